import { hash } from 'node:crypto';
import { HASH_BYTES } from '../kernel/hashes.ts';
import { TILE_WIDTH } from '../kernel/leaf.ts';
import { Sha256Lanes } from '../kernel/sha256-lanes.ts';

/** Blocks of longer leaves are hashed leaf by leaf: the lanes would gain nothing there. */
const LANE_BYTES_MAX = 256 * 1024;
const HASHES_AT = Sha256Lanes.dataAt;
/** A byte before the hashes is borrowed for the prefix of a node, and up to a block past a message is read. */
const BYTES_AT = HASHES_AT + TILE_WIDTH * HASH_BYTES + 64;

/** Roots of blocks of 256 leaves, at half the cost of a call for each leaf and node. */
export class BlockRoots {
  readonly #lanes: Sha256Lanes | undefined;
  readonly #starts = new Uint32Array(TILE_WIDTH);

  constructor(isSupported = Sha256Lanes.isSupported()) {
    this.#lanes = isSupported ? new Sha256Lanes(BYTES_AT + LANE_BYTES_MAX) : undefined;
  }

  /** RFC 6962 section 2.1, as latin1. Message i is 0x00 ‖ leaf, the `lengths[i]` bytes from `starts[i]` of `bytes` on. */
  root(bytes: Buffer, starts: Uint32Array, lengths: Uint32Array): string {
    return this.#lanes === undefined || bytes.length > LANE_BYTES_MAX
      ? rootOneByOne(bytes, starts, lengths)
      : this.#rootAtOnce(this.#lanes, bytes, starts, lengths);
  }

  #rootAtOnce(lanes: Sha256Lanes, bytes: Buffer, starts: Uint32Array, lengths: Uint32Array): string {
    lanes.bytes.set(bytes, BYTES_AT);
    for (let i = 0; i < TILE_WIDTH; i++) this.#starts[i] = BYTES_AT + starts[i];
    lanes.digest({ count: TILE_WIDTH, starts: this.#starts, lengths }, HASHES_AT);
    for (let pairs = TILE_WIDTH / 2; pairs >= 1; pairs /= 2) lanes.nodes(HASHES_AT, pairs);
    return lanes.bytes.toString('latin1', HASHES_AT, HASHES_AT + HASH_BYTES);
  }
}

function rootOneByOne(bytes: Buffer, starts: Uint32Array, lengths: Uint32Array): string {
  let level = Array.from(starts, (start, i) => hash('sha256', bytes.subarray(start, start + lengths[i]), 'latin1'));
  const node = Buffer.alloc(1 + 2 * HASH_BYTES, 0x01);
  while (level.length > 1) {
    const above: string[] = [];
    for (let i = 0; i < level.length; i += 2) {
      node.write(level[i], 1, 'latin1');
      node.write(level[i + 1], 1 + HASH_BYTES, 'latin1');
      above.push(hash('sha256', node, 'latin1'));
    }
    level = above;
  }
  return level[0];
}
