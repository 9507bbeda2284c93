import { OpenFile, rangeReader } from './disk.ts';
import { giveBuffer, takeBuffer } from './segment-copy.ts';
import type { SealedSegment } from './sealed-segment.ts';
import { checkAgainstTree, type TreeCheck } from './tree-check.ts';
import type { WatchedSegments } from './watched-segments.ts';

export interface CycleEvents {
  /** Asks for the block roots of a segment; `answerRoots` brings them. */
  needRoots(segment: SealedSegment): void;
  /** Counters of tamper records in a segment that was read for the first time. */
  foundTampers(seqs: readonly number[]): void;
}

/** A small ledger is not read over and over. */
const ROUND_MS_MIN = 1_000;

/** Block roots of the segment that was asked for; none when the ledger cannot tell (yet). */
type Roots = Uint8Array | undefined;

interface RunningCheck {
  readonly segment: SealedSegment;
  readonly file: OpenFile;
  readonly buffer: Buffer;
  readonly steps: Generator<number, TreeCheck, void>;
}

/**
 * Reads all sealed segments round and round: what changed below the file system, or through an old mapping, has left no trace in a stat.
 * A segment that this process has never read is compared with the tree, others with the digests of their first reading.
 */
export class ContentCycle {
  /** From the beginning of the last full round to the beginning of this one: how old an unseen change can get. Undefined in the first. */
  cycleMs: number | undefined;
  readonly #segments: WatchedSegments;
  readonly #events: CycleEvents;
  #startedMs: number | undefined;
  #round: SealedSegment[] = [];
  #span = 0;
  #asked: SealedSegment | undefined;
  #check: RunningCheck | undefined;

  constructor(segments: WatchedSegments, events: CycleEvents) {
    this.#segments = segments;
    this.#events = events;
  }

  /** True while a changed segment waits for its judgement: then `step` should be called without a pause. */
  get isUrgent(): boolean {
    return this.#segments.unchecked.size > 0 && (this.#check !== undefined || this.#asked === undefined);
  }

  /** Works through about `bytesMax` bytes. */
  step(bytesMax: number): void {
    for (let bytes = 0; bytes < bytesMax;) {
      const done = this.#check === undefined ? this.#next() : this.#continue(this.#check);
      // Nothing to do, or waiting for roots.
      if (done === 0) return;
      bytes += done;
    }
  }

  answerRoots(first: number, roots: Roots): void {
    const segment = this.#asked;
    if (segment?.first !== first) return;
    this.#asked = undefined;
    // Without roots it goes on unchecked: the next look, or the next round, asks again.
    if (roots === undefined || this.#segments.sealed.get(first) !== segment) this.#leave(segment);
    else if (this.#segments.attempt(segment, () => this.#begin(segment, roots)) !== true) this.#leave(segment);
  }

  #begin(segment: SealedSegment, roots: Uint8Array): true {
    const file = new OpenFile(segment.path);
    const buffer = takeBuffer();
    this.#check = { segment, file, buffer, steps: checkAgainstTree(file, buffer, segment.first, roots) };
    return true;
  }

  #next(): number {
    if (this.#asked !== undefined) return 0;
    const [urgent] = this.#segments.unchecked;
    const segment = urgent ?? this.#current();
    if (segment === undefined) return 0;
    if (segment.spans === undefined) {
      this.#asked = segment;
      this.#events.needRoots(segment);
      return 0;
    }
    const bytes = this.#segments.attempt(segment, () => this.#readSpan(segment));
    if (bytes === undefined) this.#leave(segment);
    return bytes ?? 1;
  }

  /** The segment this round has come to. */
  #current(): SealedSegment | undefined {
    while (this.#round.length > 0) {
      const segment = this.#round[0];
      if (this.#segments.sealed.get(segment.first) === segment && !segment.isMissing) return segment;
      this.#leave(segment);
    }
    const nowMs = performance.now();
    if (this.#startedMs !== undefined && nowMs - this.#startedMs < ROUND_MS_MIN) return undefined;
    if (this.#startedMs !== undefined) this.cycleMs = nowMs - this.#startedMs;
    this.#startedMs = nowMs;
    this.#round = [...this.#segments.sealed.values()];
    return this.#round[0];
  }

  #readSpan(segment: SealedSegment): number {
    const { spans } = segment;
    if (spans === undefined || this.#span >= spans.count) {
      this.#leave(segment);
      return 1;
    }
    const { from, to } = spans.range(this.#span);
    using file = new OpenFile(segment.path);
    if (spans.matches(this.#span, rangeReader(file))) this.#span++;
    else {
      this.#segments.judge(segment);
      this.#leave(segment);
    }
    return to - from;
  }

  #continue(check: RunningCheck): number {
    const { segment } = check;
    const step = this.#segments.attempt(segment, () => check.steps.next());
    if (step?.done === false) return Math.max(1, step.value);
    if (step?.done === true) this.#finish(check, step.value);
    this.#check = undefined;
    check.file[Symbol.dispose]();
    giveBuffer(check.buffer);
    this.#leave(segment);
    return 1;
  }

  #finish({ segment, file }: RunningCheck, result: TreeCheck): void {
    // Changed again while it was read, and good so far: it stays unchecked, and is read once more.
    if (result.changed === undefined && file.stat().ctimeMs !== result.stat.ctimeMs) return;
    segment.spans = result.spans;
    this.#events.foundTampers(result.tampers);
    this.#segments.tell(segment, segment.conclude(result.stat, file, result.changed));
    if (result.changed === undefined) this.#segments.confirm(segment);
  }

  #leave(segment: SealedSegment): void {
    this.#segments.unchecked.delete(segment);
    if (this.#round[0] === segment) this.#round.shift();
    this.#span = 0;
  }
}
