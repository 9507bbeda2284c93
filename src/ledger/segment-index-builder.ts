import { hash } from 'node:crypto';
import { fromUtf8 } from '../kernel/bytes.ts';
import { FLAG_LAST_OF_REQUEST, FRAME_PREFIX_BYTES, LEAF_TYPES, parseLeaf, TILE_WIDTH, type Leaf } from '../kernel/leaf.ts';
import { countLeaf } from './count-leaf.ts';
import { factsAfter, firstEpochFacts, type EpochFacts } from './epoch-facts.ts';
import { Frontier } from './frontier.ts';
import { MinuteCounter, type MinuteMark } from './minute-counter.ts';
import { parsePruning } from './pruning.ts';
import { splitRequestTag, type RememberedRequest } from './request-log.ts';
import type { SegmentBlock, SegmentIndex } from './segment-index.ts';
import { walkFrames } from './walk-frames.ts';

/** What a segment goes on with: the state after the segment before it. */
export interface SegmentStart {
  readonly first: number;
  readonly epochs: EpochFacts;
  readonly minute: MinuteMark;
  readonly prunedSeq: number | undefined;
  /** A keyed request whose last leaf is still to come. */
  readonly openRequest: { readonly first: number; readonly tag: Uint8Array } | undefined;
}

/** Before the genesis leaf, which says whether the ledger seals. */
export function ledgerStart(isSealing: boolean): SegmentStart {
  return { first: 0, epochs: firstEpochFacts(isSealing), minute: undefined, prunedSeq: undefined, openRequest: undefined };
}

/** Makes a segment's index from its leaves alone, as docs/formats/ledger.md says: what the writer's own must be equal to. */
export class SegmentIndexBuilder {
  readonly #first: number;
  readonly #minutes = new MinuteCounter();
  readonly #starts: { offset: number; timeNs: bigint }[] = [];
  readonly #roots: Uint8Array[] = [];
  readonly #requests: RememberedRequest[] = [];
  readonly #recoveries: string[] = [];
  #epochs: EpochFacts;
  #prunedSeq: number | undefined;
  #openRequest: SegmentStart['openRequest'];
  #size: number;
  #bytes = 0;
  #lastTimeNs = 0n;
  #lastMac = new Uint8Array(0);

  constructor(start: SegmentStart) {
    this.#first = start.first;
    this.#size = start.first;
    this.#epochs = start.epochs;
    this.#prunedSeq = start.prunedSeq;
    this.#openRequest = start.openRequest;
    this.#minutes.reset(start.minute);
  }

  /** The next leaf; `offset` is that of its frame. The leaf's bytes may be overwritten afterwards. */
  leaf(leaf: Leaf, offset: number): void {
    if (leaf.seq % TILE_WIDTH === 0) this.#starts.push({ offset, timeNs: leaf.timeNs });
    this.#size = leaf.seq + 1;
    this.#bytes = offset + FRAME_PREFIX_BYTES + leaf.bytes.length;
    this.#lastTimeNs = leaf.timeNs;
    this.#lastMac = Uint8Array.from(leaf.mac);
    this.#epochs = factsAfter(this.#epochs, leaf);
    if (leaf.type === LEAF_TYPES.recovery) this.#recoveries.push(...recordedDigest(leaf));
    if (parsePruning(leaf) !== undefined) this.#prunedSeq = leaf.seq;
    countLeaf(this.#minutes, leaf);
    this.#request(leaf);
  }

  /** Roots of blocks that its leaves completed. */
  roots(roots: readonly Uint8Array[]): void {
    for (const root of roots) this.#roots.push(root);
  }

  finish(): SegmentIndex {
    return {
      first: this.#first,
      leaves: this.#size - this.#first,
      bytes: this.#bytes,
      epochs: this.#epochs,
      lastTimeNs: this.#lastTimeNs,
      lastMac: this.#lastMac,
      blocks: this.#roots.map((root, i): SegmentBlock => ({ ...this.#starts[i], root })),
      requests: this.#requests,
      facts: { minute: this.#minutes.mark(), prunedSeq: this.#prunedSeq, recoveries: this.#recoveries },
    };
  }

  /** Where the next segment begins. */
  next(): SegmentStart {
    return {
      first: this.#size,
      epochs: this.#epochs,
      minute: this.#minutes.mark(),
      prunedSeq: this.#prunedSeq,
      openRequest: this.#openRequest,
    };
  }

  #request(leaf: Leaf): void {
    if (leaf.requestTag !== undefined) this.#openRequest = { first: leaf.seq, tag: Uint8Array.from(leaf.requestTag) };
    if ((leaf.flags & FLAG_LAST_OF_REQUEST) === 0) return;
    if (this.#openRequest !== undefined)
      this.#requests.push({ ...splitRequestTag(this.#openRequest.tag), first: this.#openRequest.first, last: leaf.seq });
    this.#openRequest = undefined;
  }
}

/** Builds the index of one whole segment file; throws LeafFormatError where the file holds something else than leaves. */
export function buildSegmentIndex(path: string, start: SegmentStart): { readonly index: SegmentIndex; readonly next: SegmentStart } {
  const builder = new SegmentIndexBuilder(start);
  // Blocks are aligned to 256 leaves, and so is every segment's first leaf: a tree of its own has the same block roots.
  const tree = new Frontier();
  walkFrames(path, (frame, offset) => {
    builder.leaf(parseLeaf(frame.subarray(FRAME_PREFIX_BYTES)), offset);
    // Hashes 0x00 ‖ leaf in place: the frame's second byte is free to be the prefix.
    frame[1] = 0x00;
    tree.add(hash('sha256', frame.subarray(1), 'latin1'));
    return undefined;
  });
  builder.roots(tree.takeBlockRoots());
  return { index: builder.finish(), next: builder.next() };
}

/** The SHA-256 that a recovery leaf records, if it does. */
export function recordedDigest(leaf: Leaf): string[] {
  const sha256 = /"sha256":"([0-9a-f]{64})"/.exec(fromUtf8(leaf.payload));
  return sha256 === null ? [] : [sha256[1]];
}
