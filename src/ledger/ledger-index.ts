import { segmentIsFull, TILE_WIDTH } from '../kernel/leaf.ts';
import { HASH_BYTES, type Hashes } from '../kernel/hashes.ts';
import { BlockTree } from './block-tree.ts';
import type { Pruning } from './pruning.ts';

/** Where one block of 256 leaves begins. */
export interface BlockStart {
  /** First leaf index of the segment that holds it: names the file. */
  readonly segmentFirst: number;
  /** Byte offset of its first frame in that file. */
  readonly offset: number;
  /** Server time of its first leaf, ns. */
  readonly timeNs: bigint;
}

/** What a commit adds to the index; crosses from the writer thread to the main thread. */
export interface IndexDelta {
  readonly starts: readonly BlockStart[];
  /** Roots of blocks that became complete. */
  readonly roots: readonly Uint8Array[];
}

/** Leaves that retention removed; `archive` is undefined where only the missing files tell. */
export interface RemovedLeaves extends Omit<Pruning, 'archive'> {
  readonly archive: string | undefined;
}

/** What readers find their way with, in memory: about 100 bytes a block. Whatever it says of a block is checked when the block is read. */
export class LedgerIndex {
  readonly starts: BlockStart[] = [];
  readonly tree: BlockTree;
  #removed: RemovedLeaves | undefined;

  constructor(hashes: Hashes) {
    this.tree = new BlockTree(hashes);
  }

  apply(delta: IndexDelta): void {
    for (const start of delta.starts) this.starts.push(start);
    for (const root of delta.roots) this.tree.push(root);
  }

  /** From now on these leaves count as gone, and so do all that were pruned before. */
  prune(removed: RemovedLeaves): void {
    this.#removed = { ...removed, from: this.#removed?.from ?? this.segmentEnd(0) ?? removed.from };
  }

  /** First leaf behind those that were removed; undefined when none were. */
  get prunedBefore(): number | undefined {
    return this.#removed?.before;
  }

  /** What covers the leaf, when it was removed. Hashes of its block and above stay. */
  pruningOf(seq: number): RemovedLeaves | undefined {
    const removed = this.#removed;
    return removed !== undefined && seq >= removed.from && seq < removed.before ? removed : undefined;
  }

  /** End of the segment that holds the leaf; undefined for the last one, which takes leaves. */
  segmentEnd(seq: number): number | undefined {
    const { starts } = this;
    const first = starts[Math.floor(seq / TILE_WIDTH)]?.segmentFirst;
    if (first === undefined || first === starts.at(-1)?.segmentFirst) return undefined;
    let [low, high] = [Math.floor(first / TILE_WIDTH), starts.length - 1];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (starts[middle].segmentFirst > first) high = middle;
      else low = middle + 1;
    }
    return starts[low].segmentFirst;
  }
}

/** Index of the last block that starts before `timeNs`; 0 when none does. Times never decrease, so this is a binary search. */
export function lastBlockBefore(starts: readonly BlockStart[], timeNs: bigint): number {
  let [low, high] = [0, starts.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (starts[middle].timeNs < timeNs) low = middle + 1;
    else high = middle;
  }
  return Math.max(0, low - 1);
}

/** The segment that takes the next leaf, and where in it. */
export interface SegmentEnd {
  readonly first: number;
  readonly leaves: number;
  readonly bytes: number;
}

/** Collects block starts and roots while leaves are staged; shared by the writer and recovery so that both cut segments alike. */
export class DeltaBuilder {
  #starts: BlockStart[] = [];
  #roots: Uint8Array[] = [];

  /** To be called before the leaf `seq` is placed at `end`. */
  leaf(seq: number, end: SegmentEnd, timeNs: bigint): void {
    if (seq % TILE_WIDTH === 0) this.#starts.push({ segmentFirst: end.first, offset: end.bytes, timeNs });
  }

  /** A block whose leaves are not walked. */
  start(start: BlockStart): void {
    this.#starts.push(start);
  }

  roots(roots: readonly Uint8Array[]): void {
    for (const root of roots) this.#roots.push(root);
  }

  take(): IndexDelta {
    const delta = { starts: this.#starts, roots: this.#roots };
    this.#starts = [];
    this.#roots = [];
    return delta;
  }
}

/** The segment the next leaf belongs to: the current one, or a new one when that is full. */
export function nextSegment(end: SegmentEnd): SegmentEnd {
  return segmentIsFull(end.leaves, end.bytes) ? { first: end.first + end.leaves, leaves: 0, bytes: 0 } : end;
}

/** A delta in a few flat arrays: the index of a whole ledger crosses a thread border as quickly as its bytes can be moved. */
export interface PackedDelta {
  readonly segmentFirsts: Float64Array<ArrayBuffer>;
  readonly offsets: Float64Array<ArrayBuffer>;
  readonly timesNs: BigUint64Array<ArrayBuffer>;
  readonly roots: Uint8Array<ArrayBuffer>;
}

export function packDelta({ starts, roots }: IndexDelta): PackedDelta {
  const packed = new Uint8Array(roots.length * HASH_BYTES);
  for (const [i, root] of roots.entries()) packed.set(root, i * HASH_BYTES);
  return {
    segmentFirsts: Float64Array.from(starts, ({ segmentFirst }) => segmentFirst),
    offsets: Float64Array.from(starts, ({ offset }) => offset),
    timesNs: BigUint64Array.from(starts, ({ timeNs }) => timeNs),
    roots: packed,
  };
}

export function unpackDelta({ segmentFirsts, offsets, timesNs, roots }: PackedDelta): IndexDelta {
  return {
    starts: Array.from(offsets, (offset, i) => ({ segmentFirst: segmentFirsts[i], offset, timeNs: timesNs[i] })),
    roots: Array.from({ length: roots.length / HASH_BYTES }, (_, i) => roots.subarray(i * HASH_BYTES, (i + 1) * HASH_BYTES)),
  };
}
