import { assertInvariant } from '../kernel/errors.ts';
import { TILE_WIDTH } from '../kernel/leaf.ts';
import type { BlockStart, IndexDelta } from './ledger-index.ts';
import type { SegmentIndex } from './segment-index.ts';
import type { GroupNotes, SegmentClosing } from './segment-notes.ts';

/** What is known of the segment that takes leaves: the beginning of its index. */
export interface SegmentSeed {
  readonly starts: readonly BlockStart[];
  readonly roots: readonly Uint8Array[];
  readonly requests: GroupNotes['requests'];
  readonly recoveries: GroupNotes['recoveries'];
  readonly prunings: GroupNotes['prunings'];
}

/** Gathers the index of each segment while the writer fills it, so that nobody has to read it again. */
export class SegmentRecorder {
  #starts: readonly BlockStart[];
  #roots: readonly Uint8Array[];
  #requests: GroupNotes['requests'];
  #recoveries: GroupNotes['recoveries'];
  /** The last one before the segment, and those in it. */
  #prunings: GroupNotes['prunings'];

  constructor(seed: SegmentSeed) {
    this.#starts = seed.starts;
    this.#roots = seed.roots;
    this.#requests = seed.requests;
    this.#recoveries = seed.recoveries;
    this.#prunings = seed.prunings;
  }

  /** Takes in a group that has become durable; answers the indexes of the segments that it filled. */
  add(delta: IndexDelta, notes: GroupNotes): SegmentIndex[] {
    this.#starts = [...this.#starts, ...delta.starts];
    this.#roots = [...this.#roots, ...delta.roots];
    this.#requests = [...this.#requests, ...notes.requests];
    this.#recoveries = [...this.#recoveries, ...notes.recoveries];
    this.#prunings = [...this.#prunings, ...notes.prunings];
    return notes.closings.map((closing) => this.#close(closing));
  }

  #close({ end, epochs, lastTimeNs, lastMac, minute }: SegmentClosing): SegmentIndex {
    const size = end.first + end.leaves;
    const blocks = end.leaves / TILE_WIDTH;
    const starts = this.#starts.slice(0, blocks);
    assertInvariant(
      starts.length === blocks && this.#roots.length >= blocks && starts.every(({ segmentFirst }) => segmentFirst === end.first),
      `the index of segment ${end.first} is whole`,
    );
    const index: SegmentIndex = {
      ...end,
      epochs,
      lastTimeNs,
      lastMac,
      blocks: starts.map(({ offset, timeNs }, i) => ({ offset, timeNs, root: this.#roots[i] })),
      requests: this.#requests.filter(({ last }) => last < size),
      facts: {
        minute,
        prunedSeq: this.#prunings.findLast((seq) => seq < size),
        recoveries: this.#recoveries.filter(({ seq }) => seq < size).map(({ sha256 }) => sha256),
      },
    };
    this.#starts = this.#starts.slice(blocks);
    this.#roots = this.#roots.slice(blocks);
    this.#requests = this.#requests.filter(({ last }) => last >= size);
    this.#recoveries = this.#recoveries.filter(({ seq }) => seq >= size);
    this.#prunings = [
      ...(index.facts.prunedSeq === undefined ? [] : [index.facts.prunedSeq]),
      ...this.#prunings.filter((seq) => seq >= size),
    ];
    return index;
  }
}
