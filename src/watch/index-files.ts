import { join } from 'node:path';
import { listNames, lookAt, OpenFile, rangeReader } from './disk.ts';
import { isSettled, isUntouched, type FileStat } from './file-stat.ts';
import { GuardedReads } from './guarded-reads.ts';
import type { Finding } from './finding.ts';
import { NO_ENTRIES, SealedFile } from './sealed-file.ts';
import { spansOf } from './spans.ts';

/** Each round over the files takes this many ticks: events are quicker, and nobody believes an index without its check. */
const ROUND_TICKS = 3;
/** Whom they tell. Names are those of the files. */
export interface IndexFileEvents {
  found(name: string, finding: Finding): void;
  accepted(name: string, evidence: string): void;
}

const INDEX_NAME = /^(\d{20})\.idx$/;

/**
 * The files of index/ or pruned/. They appear whole, by a rename, when a segment is full or removed, and never change: the first look
 * at a new one is believed, as its checksum and the tree decide whether anybody else does.
 */
export class IndexFiles {
  readonly #directory: string;
  readonly #mayLeave: (first: number) => boolean;
  readonly #events: IndexFileEvents;
  readonly #reads: GuardedReads;
  readonly #files = new Map<string, SealedFile>();
  #stat: FileStat | undefined;
  #round: string[] = [];

  /** `mayLeave`: this segment's index is being moved by retention. */
  constructor(directory: string, mayLeave: (first: number) => boolean, events: IndexFileEvents) {
    this.#directory = directory;
    this.#mayLeave = mayLeave;
    this.#events = events;
    this.#reads = new GuardedReads((name, finding) => events.found(name, finding));
  }

  look(): void {
    this.#list();
    if (this.#round.length === 0) this.#round = [...this.#files.keys()];
    for (const name of this.#round.splice(0, Math.ceil(this.#files.size / ROUND_TICKS))) this.changed(name);
  }

  /** One file: its turn has come, or the file system says that something happened to it. */
  changed(name: string): void {
    const file = this.#files.get(name);
    if (file === undefined) this.#list();
    else if (file.look() !== 'same') this.#reads.attempt(name, () => this.#judge(name, file));
  }

  #judge(name: string, file: SealedFile): void {
    const result = file.judge();
    const first = Number(INDEX_NAME.exec(name)?.[1]);
    if (file.isMissing && this.#mayLeave(first)) {
      this.#files.delete(name);
      return;
    }
    if (result?.kind === 'finding') this.#events.found(name, result.finding);
    else if (result?.kind === 'accepted') this.#events.accepted(name, result.evidence);
    if (file.spans !== undefined) return;
    // Another file now: it has been told, and is met anew.
    this.#files.delete(name);
    this.#stat = undefined;
  }

  #list(): void {
    const stat = lookAt(this.#directory);
    if (stat?.type !== 'directory' || (this.#stat !== undefined && isUntouched(this.#stat, stat))) return;
    const names = listNames(this.#directory) ?? [];
    this.#stat = isSettled(stat, Date.now()) ? stat : undefined;
    for (const name of names) if (INDEX_NAME.test(name) && !this.#files.has(name)) this.#reads.attempt(name, () => this.#meet(name));
  }

  #meet(name: string): void {
    const path = join(this.#directory, name);
    const base = lookAt(path);
    if (base?.type !== 'file') return;
    using file = new OpenFile(path);
    this.#files.set(name, new SealedFile(path, base, spansOf(rangeReader(file), base.size), NO_ENTRIES));
  }
}
