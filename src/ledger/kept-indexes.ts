import { equalBytes } from '../kernel/bytes.ts';
import { FRAME_PREFIX_BYTES, TILE_WIDTH, type Leaf } from '../kernel/leaf.ts';
import { nodeHashes } from '../kernel/node-hashes.ts';
import { parseGenesis } from './genesis.ts';
import { hashBlock } from './hash-block.ts';
import { checksumOf, readIndex, readStoredIndex, writeIndex, type StoredIndex } from './index-files.ts';
import { LedgerError } from './ledger-error.ts';
import type { LedgerIndex } from './ledger-index.ts';
import { findOpenRequest } from './open-request.ts';
import type { LedgerPaths } from './paths.ts';
import type { LedgerReader } from './ports.ts';
import type { SealedSegment } from './sealed-segments.ts';
import { encodeSegmentIndex, segmentIndexName, type SegmentIndex } from './segment-index.ts';
import { ledgerStart, SegmentIndexBuilder, type SegmentStart } from './segment-index-builder.ts';

/** Where a segment begins; behind a removed one nobody knows any more whether a request was open. */
interface KnownStart extends SegmentStart {
  readonly isBehindRemoved: boolean;
}

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
    let start: KnownStart | undefined;
    for (const segment of segments) {
      const { first } = segment;
      const stored = readStoredIndex(this.#paths.index, first);
      if (stored !== undefined && stored.checksum === this.#written.get(first)) start = undefined;
      else start = { ...(await this.#rebuild(segment, start ?? (await this.#startOf(first)), stored)), isBehindRemoved: false };
    }
  }

  /** What was removed needs no checksum any more. */
  forget(before: number): void {
    for (const first of this.#written.keys()) if (first < before) this.#written.delete(first);
  }

  async #rebuild({ first, end }: SealedSegment, start: KnownStart, stored: StoredIndex | undefined): Promise<SegmentStart> {
    const builder = await this.#read(start, end);
    const index = builder.finish();
    const checksum = checksumOf(encodeSegmentIndex(nodeHashes, index));
    // A request that began among removed entries is in the old index alone.
    const found = stored === undefined || !start.isBehindRemoved ? stored?.checksum : checksumOf(withoutEarlierRequest(stored.index));
    if (found === checksum) this.#written.set(first, stored?.checksum ?? checksum);
    else if (writeIndex(this.#paths, index) !== undefined) this.#written.set(first, checksum);
    else throw new LedgerError('io', `the disk is too full to make ${segmentIndexName(first)} again`);
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
  async #startOf(first: number): Promise<KnownStart> {
    const before = this.#index.starts[first / TILE_WIDTH - 1].segmentFirst;
    if (before === 0) return { ...(await this.#read(ledgerStart(await this.#beganSealing()), first)).next(), isBehindRemoved: false };
    const isBehindRemoved = this.#index.pruningOf(before) !== undefined;
    const index = readIndex(isBehindRemoved ? this.#paths.pruned : this.#paths.index, before);
    if (index === undefined) throw new LedgerError('io', `${segmentIndexName(before)} is missing or damaged; nothing is removed`);
    const { epochs, facts } = index;
    const openRequest = isBehindRemoved ? undefined : findOpenRequest(this.#paths.segments, index);
    return { first, epochs, minute: facts.minute, prunedSeq: facts.prunedSeq, openRequest, isBehindRemoved };
  }

  async #beganSealing(): Promise<boolean> {
    for await (const leaf of this.#reader.leaves(0, 1)) return parseGenesis(leaf).isSealing;
    return false;
  }
}

function withoutEarlierRequest(index: SegmentIndex): Uint8Array {
  return encodeSegmentIndex(nodeHashes, { ...index, requests: index.requests.filter((request) => request.first >= index.first) });
}
