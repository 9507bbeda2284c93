import { readU32 } from '../kernel/bytes.ts';
import { HASH_BYTES } from '../kernel/hashes.ts';
import { TILE_WIDTH } from '../kernel/leaf.ts';
import { nodeHashes } from '../kernel/node-hashes.ts';
import { readAll, writeAt } from './disk.ts';
import { rootOf } from './forge-note.ts';

/** docs/formats/ledger.md, Segment index: where the number of blocks and the blocks stand. */
const BLOCK_COUNT_AT = 84;
const BLOCKS_AT = 96;
const BLOCK_BYTES = 44;
const ROOT_IN_BLOCK = 12;

/** Puts the block roots of these leaves into the segment's index, and the digest that ends it. */
export function rehashIndex(path: string, leaves: readonly Uint8Array[]): void {
  const index = readAll(path);
  for (let block = 0; block < readU32(index, BLOCK_COUNT_AT); block++) {
    const root = rootOf(leaves.slice(block * TILE_WIDTH, (block + 1) * TILE_WIDTH));
    index.set(root, BLOCKS_AT + block * BLOCK_BYTES + ROOT_IN_BLOCK);
  }
  const digestAt = index.length - HASH_BYTES;
  index.set(nodeHashes.sha256(index.subarray(0, digestAt)), digestAt);
  writeAt(path, 0, index);
}
