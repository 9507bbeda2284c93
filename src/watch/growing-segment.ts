import { isGone, lookAt, OpenFile, rangeReader } from './disk.ts';
import type { ExpectedSegment } from './expected-segment.ts';
import { describeChange, isSameInode, isSettled, isUntouched, type FileStat } from './file-stat.ts';
import { byteRange, type Finding } from './finding.ts';
import { SegmentCopy } from './segment-copy.ts';
import { spansOf, type Spans } from './spans.ts';

/** A segment that nobody touches is compared this often all the same: stores to pages that are dirty already leave no trace. */
const IDLE_COMPARE_MS = 2_000;

/** How a sealed segment is gone on with. */
export interface Settled {
  readonly base: FileStat;
  readonly spans: Spans;
}

/** A segment that the writer is writing, or has just sealed: its length, its identity and every byte against what was announced. */
export class GrowingSegment {
  readonly expected: ExpectedSegment;
  readonly #path: string;
  readonly #drain: () => void;
  readonly #copy: SegmentCopy;
  #file: OpenFile | undefined;
  /** As last looked at; undefined while there is no such file. */
  #stat: FileStat | undefined;
  /** The longest it was seen since it was last cut. */
  #seenBytes = 0;
  /** As it was when all of it was last found good, if a later change would show. */
  #clean: FileStat | undefined;
  #comparedMs = 0;
  /** Something was found: what stands there is gone on with as it is. */
  #isDamaged = false;
  #reported = '';

  /** `drain` takes in what has been announced up to now. */
  constructor(expected: ExpectedSegment, path: string, drain: () => void) {
    this.expected = expected;
    this.#path = path;
    this.#drain = drain;
    this.#copy = new SegmentCopy(expected);
  }

  /** Compares length and identity: one system call. The same finding is told once. */
  look(): Finding | undefined {
    this.#begin();
    const { made, cuts } = this.expected;
    const now = lookAt(this.#path);
    this.#drain();
    // Cut back meanwhile: the next look knows to which length.
    if (this.expected.cuts !== cuts) return undefined;
    const least = Math.max(made, Math.min(this.#seenBytes, this.expected.end));
    const finding = this.#judge(now, least);
    if (finding?.kind === 'missing' || finding?.kind === 'replaced') this.#close();
    this.#seenBytes = finding?.kind === 'truncated' || now === undefined ? (now?.size ?? 0) : Math.max(least, now.size);
    this.#stat = now;
    const key = finding === undefined ? '' : `${finding.kind} ${now?.ino} ${now?.size}`;
    const isNew = key !== this.#reported;
    this.#reported = key;
    if (finding === undefined) return undefined;
    this.#isDamaged = true;
    return isNew ? finding : undefined;
  }

  #judge(now: FileStat | undefined, least: number): Finding | undefined {
    const before = this.#stat;
    const { end } = this.expected;
    if (now === undefined) {
      if (least === 0) return undefined;
      const evidence = `the segment that is being written is gone; ${least} bytes were written`;
      return { kind: 'missing', bytes: byteRange(0, least), seqs: { first: this.expected.first, last: null }, evidence };
    }
    const change = before === undefined ? '' : `: ${describeChange(before, now)}`;
    if (now.type !== 'file' || (before !== undefined && !isSameInode(before, now)))
      return { kind: 'replaced', bytes: null, seqs: null, evidence: `another file stands where the segment is being written${change}` };
    if (now.size > end)
      return { kind: 'extended', bytes: byteRange(end, now.size), seqs: null, evidence: `${now.size} bytes instead of ${end}${change}` };
    if (now.size >= least) return undefined;
    const seqs = this.#copy.locate(now.size, least);
    return { kind: 'truncated', bytes: byteRange(now.size, least), seqs, evidence: `${now.size} bytes instead of ${least}${change}` };
  }

  /** Compares the content, if anything can have happened to it since it was found good. To be called after `look`. */
  scrub(): Finding | undefined {
    this.#begin();
    const stat = this.#stat;
    if (stat?.type !== 'file') return undefined;
    const nowMs = performance.now();
    const isIdle = this.#clean !== undefined && isUntouched(this.#clean, stat) && this.expected.nextPiece() === undefined;
    if (isIdle && nowMs - this.#comparedMs < IDLE_COMPARE_MS) return undefined;
    const { made, cuts } = this.expected;
    const file = this.#open();
    if (file === undefined) return undefined;
    const isStillExpected = (): boolean => {
      this.#drain();
      return this.expected.cuts === cuts;
    };
    this.#copy.takeBase(file);
    const finding = this.#copy.compare(file, isStillExpected) ?? this.#copy.takePieces(file, made, isStillExpected);
    if (finding !== undefined) this.#isDamaged = true;
    this.#comparedMs = nowMs;
    const after = lookAt(this.#path);
    const isClean = finding === undefined && after !== undefined && isUntouched(stat, after) && isSettled(stat, Date.now());
    this.#clean = isClean ? stat : undefined;
    return finding;
  }

  /** What to go on with once it is sealed, wholly compared, and a later change would show in its stat; undefined until then. */
  settle(): Settled | undefined {
    const stat = this.#stat;
    if (this.expected.sealedBytes === undefined || stat?.type !== 'file' || !isSettled(stat, Date.now())) return undefined;
    if (this.#clean !== undefined && this.#copy.bytes === this.expected.sealedBytes && stat.size === this.#copy.bytes)
      return { base: this.#clean, spans: this.#copy.buildSpans() };
    const file = this.#isDamaged ? this.#open() : undefined;
    return file === undefined ? undefined : { base: stat, spans: spansOf(rangeReader(file), stat.size) };
  }

  /** True when it was sealed, but is no longer there to be watched. That has been told. */
  get isLost(): boolean {
    return this.expected.sealedBytes !== undefined && this.#isDamaged && this.#stat?.type !== 'file';
  }

  release(): void {
    this.#close();
    this.#copy.release();
  }

  #begin(): void {
    this.#drain();
    this.expected.before();
    const cut = this.expected.takeCut();
    if (cut === undefined) return;
    this.#copy.cut(cut);
    this.#seenBytes = Math.min(this.#seenBytes, cut);
    this.#clean = undefined;
    if (cut > 0) return;
    // Removed whole: the next file of this name is a new one.
    this.#close();
    this.#stat = undefined;
  }

  #open(): OpenFile | undefined {
    try {
      this.#file ??= new OpenFile(this.#path);
      return this.#file;
    } catch (error) {
      // Gone since the look: the next one says so.
      if (isGone(error)) return undefined;
      throw error;
    }
  }

  #close(): void {
    this.#file?.[Symbol.dispose]();
    this.#file = undefined;
  }
}
