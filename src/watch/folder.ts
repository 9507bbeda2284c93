import { lookAt } from './disk.ts';
import { describeChange, isSameInode, type FileStat } from './file-stat.ts';
import type { Finding } from './finding.ts';

/** A folder that must stay the one it was: whoever swaps it swaps everything below it. It may be made later, once. */
export class Folder {
  readonly name: string;
  readonly path: string;
  #base: FileStat | undefined;
  /** Gone, although it was there: everything below it is gone too. */
  isMissing = false;

  constructor(name: string, path: string) {
    this.name = name;
    this.path = path;
    this.#base = lookAt(path);
  }

  get isThere(): boolean {
    return this.#base !== undefined && !this.isMissing;
  }

  /** The same finding is told once. */
  look(): Finding | undefined {
    const now = lookAt(this.path);
    const before = this.#base;
    if (now === undefined) {
      const isNew = before !== undefined && !this.isMissing;
      this.isMissing = before !== undefined;
      return isNew ? { kind: 'missing', bytes: null, seqs: null, evidence: `the folder is gone (inode ${before?.ino})` } : undefined;
    }
    this.isMissing = false;
    this.#base = now;
    if (before === undefined || isSameInode(before, now)) return undefined;
    return { kind: 'replaced', bytes: null, seqs: null, evidence: `another folder: ${describeChange(before, now)}` };
  }
}
