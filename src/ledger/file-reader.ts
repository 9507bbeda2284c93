import { equalBytes } from '../kernel/bytes.ts';
import { emptyRoot, nodeHash, type Hashes } from '../kernel/hashes.ts';
import { segmentName, TILE_WIDTH, type Leaf } from '../kernel/leaf.ts';
import { consistencyPath, inclusionPath, rangeProof, splitPoint, type SubtreeHash } from '../kernel/merkle.ts';
import { nodeHashes } from '../kernel/node-hashes.ts';
import type { TilePath } from '../kernel/tile-path.ts';
import { hashBlock } from './hash-block.ts';
import { LedgerError } from './ledger-error.ts';
import { lastBlockBefore, type BlockStart, type LedgerIndex } from './ledger-index.ts';
import type { LedgerHead, LedgerIdentity, LedgerReader } from './ports.ts';
import { parseFrames, readBlockBytes } from './read-block.ts';
import type { CommittedHead } from './committer.ts';

/** Blocks whose leaf hashes are kept at hand: proofs for neighbouring entries ask for the same ones. 8 KiB each. */
const HASHED_BLOCKS_MAX = 64;

/**
 * Reads segments through the in-memory index, never past the committed head. What it reads is held against the index: a block must begin
 * with its entry and time, and where leaves are hashed, they must have the block's root. A misfit is LedgerError `io`, never other data.
 */
export class FileReader implements LedgerReader {
  readonly identity: LedgerIdentity;
  readonly #segmentsDir: string;
  readonly #index: LedgerIndex;
  readonly #head: () => CommittedHead;
  readonly #hashes: Hashes = nodeHashes;
  readonly #hashedBlocks = new Map<number, Uint8Array[]>();

  constructor(segmentsDir: string, identity: LedgerIdentity, index: LedgerIndex, head: () => CommittedHead) {
    this.identity = identity;
    this.#segmentsDir = segmentsDir;
    this.#index = index;
    this.#head = head;
  }

  head(): LedgerHead {
    return this.#head();
  }

  async *leaves(first: number, end: number): AsyncIterable<Leaf> {
    const bound = this.#head();
    const stop = Math.min(end, bound.size);
    for (let block = Math.floor(first / TILE_WIDTH); block * TILE_WIDTH < stop; block++) {
      for (const leaf of (await this.#readBlock(block, bound)).leaves) {
        if (leaf.seq >= first && leaf.seq < stop) yield leaf;
      }
    }
  }

  /** One leaf, held against the root of its block: only the last block, which still grows, has none yet. */
  async verifiedLeaf(seq: number): Promise<Leaf> {
    const block = Math.floor(seq / TILE_WIDTH);
    const { leaves } = await this.#readBlock(block, this.#head());
    this.#hash(block, leaves);
    return leaves[seq % TILE_WIDTH];
  }

  async firstAtOrAfter(timeNs: bigint): Promise<number> {
    const { size } = this.#head();
    const block = lastBlockBefore(this.#index.starts, timeNs);
    // The block after the last one that starts earlier starts at or after the time, so at most two blocks are read.
    for await (const leaf of this.leaves(block * TILE_WIDTH, (block + 2) * TILE_WIDTH)) if (leaf.timeNs >= timeNs) return leaf.seq;
    return Math.min(size, (block + 2) * TILE_WIDTH);
  }

  async rootAt(size: number): Promise<Uint8Array> {
    this.#assertSize(size);
    if (size === 0) return emptyRoot(this.#hashes);
    return (await this.#subtrees([[0, size]]))(0, size);
  }

  async inclusionProof(index: number, size: number): Promise<Uint8Array[]> {
    this.#assertSize(size);
    if (index >= size) throw new RangeError(`entry ${index} is not in a tree of ${size}`);
    return this.#proof((subtree) => inclusionPath(subtree, index, size));
  }

  async consistencyProof(oldSize: number, newSize: number): Promise<Uint8Array[]> {
    this.#assertSize(newSize);
    if (oldSize > newSize) throw new RangeError(`size ${oldSize} is not below ${newSize}`);
    return this.#proof((subtree) => consistencyPath(subtree, oldSize, newSize));
  }

  async rangeProof(first: number, last: number, size: number): Promise<Uint8Array[]> {
    this.#assertSize(size);
    return this.#proof((subtree) => rangeProof(subtree, first, last, size));
  }

  async tile(path: TilePath): Promise<Uint8Array | undefined> {
    const { size } = this.#head();
    const { level, index, width } = path;
    const leavesEach = level === 'entries' ? 1 : TILE_WIDTH ** level;
    const first = index * TILE_WIDTH;
    if ((first + width) * leavesEach > size) return undefined;
    if (level === 'entries') return this.#entryBundle(index, width);
    const ranges = Array.from({ length: width }, (_, i) => [(first + i) * leavesEach, (first + i + 1) * leavesEach] as const);
    const subtree = await this.#subtrees(ranges);
    return Buffer.concat(ranges.map(([from, to]) => subtree(from, to)));
  }

  /** End of the sealed segment that holds the leaf; undefined while that segment takes leaves. */
  sealedEnd(seq: number): number | undefined {
    const end = this.#index.segmentEnd(seq);
    return end !== undefined && end <= this.#head().size ? end : undefined;
  }

  async #entryBundle(block: number, width: number): Promise<Uint8Array> {
    const { bytes, leaves } = await this.#readBlock(block, this.#head());
    this.#hash(block, leaves);
    const last = leaves[width - 1].bytes;
    return bytes.subarray(0, last.byteOffset - bytes.byteOffset + last.length);
  }

  /** The leaves of one block, if they are the ones that the index speaks of. */
  async #readBlock(block: number, bound: CommittedHead): Promise<{ bytes: Buffer; leaves: Leaf[] }> {
    const first = block * TILE_WIDTH;
    const start = this.#index.starts[block];
    this.#assertKept(first);
    let bytes: Buffer;
    try {
      bytes = await readBlockBytes(this.#segmentsDir, this.#index.starts, block, bound);
    } catch (error) {
      // Retention may have removed the file between the look at the index and the read.
      this.#assertKept(first);
      throw error;
    }
    const leaves = parseFrames(bytes);
    const isWhole = leaves.length === Math.min(TILE_WIDTH, bound.size - first) && leaves.every((leaf, i) => leaf.seq === first + i);
    if (!isWhole || leaves[0].timeNs !== start.timeNs) throw changed(first, start);
    return { bytes, leaves };
  }

  #assertKept(seq: number): void {
    const pruning = this.#index.pruningOf(seq);
    if (pruning === undefined) return;
    const { from, before, archive } = pruning;
    throw new LedgerError(
      'pruned',
      `the entries ${from} to ${before - 1} were removed by retention; ${whereTo(archive)}; what is here goes on with entry ${before}`,
      { goesOnAt: before },
    );
  }

  /** Leaf hashes of a block that was read; a full one must have the root that it had when it was written. */
  #hash(block: number, leaves: readonly Leaf[]): Uint8Array[] {
    const { hashed, root } = hashBlock(leaves);
    // The last block still grows; nobody has signed for a root of it.
    if (root === undefined) return hashed;
    const first = block * TILE_WIDTH;
    const known = this.#index.tree.subtree(first, first + TILE_WIDTH);
    if (known === undefined || !equalBytes(root, known)) throw changed(first, this.#index.starts[block]);
    const oldest = this.#hashedBlocks.size >= HASHED_BLOCKS_MAX ? this.#hashedBlocks.keys().next().value : undefined;
    if (oldest !== undefined) this.#hashedBlocks.delete(oldest);
    this.#hashedBlocks.set(block, hashed);
    return hashed;
  }

  #assertSize(size: number): void {
    if (size > this.#head().size) throw new RangeError(`size ${size} is beyond the head`);
  }

  /** Runs a synchronous proof over hashes that have to be read first: a dry run collects the subtrees it asks for. */
  async #proof(make: (subtree: SubtreeHash) => Uint8Array[]): Promise<Uint8Array[]> {
    const asked: (readonly [number, number])[] = [];
    make((from, to) => {
      asked.push([from, to]);
      return new Uint8Array(0);
    });
    return make(await this.#subtrees(asked));
  }

  /** Loads the leaf hashes that the given subtrees need beyond the index. */
  async #subtrees(ranges: readonly (readonly [number, number])[]): Promise<SubtreeHash> {
    const blocks = new Map<number, Uint8Array[]>();
    for (const [from, to] of ranges) await this.#loadEdge(from, to, blocks);
    const subtree = (from: number, to: number): Uint8Array => {
      const known = this.#index.tree.subtree(from, to);
      if (known !== undefined) return known;
      if (to - from === 1) {
        const hashed = blocks.get(Math.floor(from / TILE_WIDTH));
        if (hashed === undefined) throw new LedgerError('io', `entry ${from} has not been read`);
        return hashed[from % TILE_WIDTH];
      }
      const middle = from + splitPoint(to - from);
      return nodeHash(this.#hashes, subtree(from, middle), subtree(middle, to));
    };
    return subtree;
  }

  /** A subtree falls into complete ones known to the index and at most one partial block at its end. */
  async #loadEdge(from: number, to: number, blocks: Map<number, Uint8Array[]>): Promise<void> {
    if (this.#index.tree.subtree(from, to) !== undefined) return;
    const block = Math.floor((to - 1) / TILE_WIDTH);
    if (blocks.has(block)) return;
    if (Math.floor(from / TILE_WIDTH) === block || to % TILE_WIDTH !== 0) blocks.set(block, await this.#blockHashes(block));
  }

  async #blockHashes(block: number): Promise<Uint8Array[]> {
    return this.#hashedBlocks.get(block) ?? this.#hash(block, (await this.#readBlock(block, this.#head())).leaves);
  }
}

function changed(first: number, start: BlockStart): LedgerError {
  return new LedgerError(
    'io',
    `${segmentName(start.segmentFirst)}, entry ${first}: these are not the entries that were written; run log verify`,
  );
}

function whereTo(archive: string | undefined): string {
  if (archive === undefined) return 'a config entry says where they were archived';
  return archive === '' ? 'they were not archived' : `they are archived in ${archive}`;
}
