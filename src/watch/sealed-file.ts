import type { SeqRange } from '../kernel/detection.ts';
import { isGone, lookAt, OpenFile, rangeReader } from './disk.ts';
import { describeChange, isUntouched, type FileStat } from './file-stat.ts';
import { byteRange, type Finding } from './finding.ts';
import { judgeContent, judgeLook } from './judge-change.ts';
import { spansOf, type Spans } from './spans.ts';

/** What a look at a file that is sealed gave. */
export type SealedResult =
  | { readonly kind: 'finding'; readonly finding: Finding }
  /** Changed in a way that operators and backups change files; the content is what it was. */
  | { readonly kind: 'accepted'; readonly evidence: string }
  /** Its content has never been read by this process: only the tree can tell. What is certain already is told at once. */
  | { readonly kind: 'unchecked'; readonly finding: Finding | undefined };

/** Which entries a file holds, where it holds any. */
export interface EntriesOf {
  /** All of them. */
  readonly all: SeqRange | null;
  /** Those in bytes [from, to) of the file, which has `fileBytes` bytes now. */
  locate(file: OpenFile, fileBytes: number, from: number, to: number): SeqRange | null;
}

/** Of a file that holds none. */
export const NO_ENTRIES: EntriesOf = { all: null, locate: () => null };

/** A file that nobody may change any more. */
export class SealedFile {
  readonly path: string;
  /** As it was when its content was last known; for a start's segments as they were found. */
  base: FileStat;
  /** Undefined until its content has been checked against the tree. */
  spans: Spans | undefined;
  isMissing = false;
  readonly #entries: EntriesOf;

  constructor(path: string, base: FileStat, spans: Spans | undefined, entries: EntriesOf) {
    this.path = path;
    this.base = base;
    this.spans = spans;
    this.#entries = entries;
  }

  /** One system call, and nothing more as long as nothing happened. `touched`: its content may well be what it was. */
  look(): 'same' | 'touched' | 'written' {
    const now = lookAt(this.path);
    if (now === undefined ? this.isMissing : !this.isMissing && isUntouched(this.base, now)) return 'same';
    return judgeLook(this.base, now) === undefined && now?.mtimeMs === this.base.mtimeMs ? 'touched' : 'written';
  }

  /** Finds out what a difference is. Afterwards what is there is the state to go on from: the same finding is told once. */
  judge(): SealedResult | undefined {
    const now = lookAt(this.path);
    if (now === undefined && this.isMissing) return undefined;
    const before = this.base;
    const kind = judgeLook(before, now);
    const seqs = this.#entries.all;
    if (now === undefined) {
      this.isMissing = true;
      const evidence = `the file of ${before.size} bytes is gone (inode ${before.ino})`;
      return { kind: 'finding', finding: { kind: 'missing', bytes: byteRange(0, before.size), seqs, evidence } };
    }
    this.isMissing = false;
    if (kind === 'replaced') {
      // Another file: what is in it is for the tree to say, at the pace of the cycle.
      this.base = now;
      this.spans = undefined;
      return { kind: 'finding', finding: { kind: 'replaced', bytes: null, seqs, evidence: describeChange(before, now) } };
    }
    if (kind === undefined && this.spans === undefined) return { kind: 'unchecked', finding: this.#judgeTime(now) };
    const opened = this.#open();
    if (opened === undefined) return undefined;
    using file = opened;
    return this.conclude(now, file, this.spans?.findChange(rangeReader(file)));
  }

  /** Whatever the content turns out to be, nobody may set the modification time. */
  #judgeTime(now: FileStat): Finding | undefined {
    const before = this.base;
    if (before.mtimeMs === now.mtimeMs) return undefined;
    this.base = { ...before, mtimeMs: now.mtimeMs };
    const evidence = `written to, or its modification time set; the content is being compared; ${describeChange(before, now)}`;
    return { kind: 'metadata', bytes: null, seqs: null, evidence };
  }

  /** Judges by a stat taken before the content was read. `changed` is where the content differs. */
  conclude(now: FileStat, file: OpenFile, changed: { from: number; to: number } | undefined): SealedResult | undefined {
    const before = this.base;
    const kind = judgeLook(before, now) ?? judgeContent(before, now, changed === undefined);
    const evidence = describeChange(before, now);
    const cut = { from: now.size, to: before.size };
    const range = kind === 'truncated' ? cut : kind === 'extended' ? { from: before.size, to: now.size } : changed;
    const seqs = range === undefined || kind === 'extended' ? null : this.#entries.locate(file, now.size, range.from, range.to);
    this.base = now;
    if (kind === undefined) return isUntouched(before, now) ? undefined : { kind: 'accepted', evidence };
    if (kind !== 'metadata') this.spans = spansOf(rangeReader(file), now.size);
    const what =
      changed === undefined ? 'the content is what it was' : `bytes ${changed.from} to ${changed.to - 1} are not what was written`;
    const bytes = range === undefined ? null : byteRange(range.from, range.to);
    const stat = evidence === '' ? 'its stat shows no change' : evidence;
    return { kind: 'finding', finding: { kind, bytes, seqs, evidence: `${what}; ${stat}` } };
  }

  #open(): OpenFile | undefined {
    try {
      return new OpenFile(this.path);
    } catch (error) {
      if (isGone(error)) return undefined;
      throw error;
    }
  }
}
