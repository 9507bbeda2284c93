import { equalBytes } from '../kernel/bytes.ts';
import { FRAME_PREFIX_BYTES, TILE_WIDTH, type Leaf } from '../kernel/leaf.ts';
import { nodeHashes } from '../kernel/node-hashes.ts';
import { parseGenesis } from './genesis.ts';
import { hashBlock } from './hash-block.ts';
import { checksumOf, indexChecksum, readIndex, writeIndex } from './index-files.ts';
import { LedgerError } from './ledger-error.ts';
import type { LedgerIndex } from './ledger-index.ts';
import { findOpenRequest } from './open-request.ts';
import type { LedgerPaths } from './paths.ts';
import type { LedgerReader } from './ports.ts';
import type { SealedSegment } from './sealed-segments.ts';
import { encodeSegmentIndex, segmentIndexName } from './segment-index.ts';
import { ledgerStart, SegmentIndexBuilder, type SegmentStart } from './segment-index-builder.ts';

/**
 * Sees to it that an index says what the leaves of its segment say before retention makes it all that is left of them. While the segment
 * is there its index is only a cache: somebody may have changed it together with its checksum, and nobody would have had to notice.
 */
export class KeptIndexes {
  readonly #paths: LedgerPaths;
  readonly #index: LedgerIndex;
  readonly #reader: Pick<LedgerReader, 'leaves'>;
  /** Checksums of what this process wrote from the leaves themselves, by first leaf. */
  readonly #written = new Map<number, string>();

  constructor(paths: LedgerPaths, index: LedgerIndex, reader: Pick<LedgerReader, 'leaves'>) {
    this.#paths = paths;
    this.#index = index;
    this.#reader = reader;
  }

  wrote(first: number, checksum: string | undefined): void {
    if (checksum !== undefined) this.#written.set(first, checksum);
  }

  /**
   * For segments that follow each other, the oldest that are still there behind the first: each has the right index when this resolves.
   * Rejects with LedgerError `io` when a segment does not hold what was signed, or the index cannot be written.
   */
  async settle(segments: readonly SealedSegment[]): Promise<void> {
    let start: SegmentStart | undefined;
    for (const segment of segments) {
      const { first } = segment;
      const checksum = indexChecksum(this.#paths.index, first);
      if (checksum !== undefined && checksum === this.#written.get(first)) start = undefined;
      else start = await this.#rebuild(segment, start ?? (await this.#startOf(first)), checksum);
    }
  }

  /** What was removed needs no checksum any more. */
  forget(before: number): void {
    for (const first of this.#written.keys()) if (first < before) this.#written.delete(first);
  }

  async #rebuild({ first, end }: SealedSegment, start: SegmentStart, checksum: string | undefined): Promise<SegmentStart> {
    const builder = await this.#read(start, end);
    const index = builder.finish();
    const isRight = checksum === checksumOf(encodeSegmentIndex(nodeHashes, index));
    const written = isRight ? checksum : writeIndex(this.#paths, index);
    if (written === undefined) throw new LedgerError('io', `the disk is too full to make ${segmentIndexName(first)} again`);
    this.#written.set(first, written);
    return builder.next();
  }

  async #read(start: SegmentStart, end: number): Promise<SegmentIndexBuilder> {
    const builder = new SegmentIndexBuilder(start);
    let offset = 0;
    let block: Leaf[] = [];
    for await (const leaf of this.#reader.leaves(start.first, end)) {
      builder.leaf(leaf, offset);
      offset += FRAME_PREFIX_BYTES + leaf.bytes.length;
      block.push(leaf);
      if (block.length < TILE_WIDTH) continue;
      builder.roots([this.#signedRoot(block)]);
      block = [];
    }
    return builder;
  }

  /** Root of a block, if its leaves are those that the tree was signed with. */
  #signedRoot(block: readonly Leaf[]): Uint8Array {
    const { root } = hashBlock(block);
    const first = block[0].seq;
    const known = this.#index.tree.subtree(first, first + TILE_WIDTH);
    if (root !== undefined && known !== undefined && equalBytes(root, known)) return root;
    throw new LedgerError(
      'io',
      `the entries from ${first} on are not those that were signed: they stay, and nothing is removed; run log verify`,
    );
  }

  /** Behind the first segment from its leaves; elsewhere from the index before, which had to be right when its own segment was removed. */
  async #startOf(first: number): Promise<SegmentStart> {
    const before = this.#index.starts[first / TILE_WIDTH - 1].segmentFirst;
    if (before === 0) return (await this.#read(ledgerStart(await this.#beganSealing()), first)).next();
    const pruned = this.#index.pruningOf(before) !== undefined;
    const index = readIndex(pruned ? this.#paths.pruned : this.#paths.index, before);
    if (index === undefined) throw new LedgerError('io', `${segmentIndexName(before)} is missing or damaged; nothing is removed`);
    const { epochs, facts } = index;
    // A request that begins among removed entries and ends here is remembered no longer.
    const openRequest = pruned ? undefined : findOpenRequest(this.#paths.segments, index);
    return { first, epochs, minute: facts.minute, prunedSeq: facts.prunedSeq, openRequest };
  }

  async #beganSealing(): Promise<boolean> {
    for await (const leaf of this.#reader.leaves(0, 1)) return parseGenesis(leaf).isSealing;
    return false;
  }
}
