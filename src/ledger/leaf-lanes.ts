import { hash } from 'node:crypto';
import { HASH_BYTES } from '../kernel/hashes.ts';
import { FRAME_PREFIX_BYTES, LEAF_BYTES_MAX } from '../kernel/leaf.ts';
import { LANE_BATCH_MAX } from '../kernel/lane-order.ts';
import { Sha256Lanes } from '../kernel/sha256-lanes.ts';
import type { Frontier } from './frontier.ts';

/** Frames are copied to the lanes this much at a time: they stay in the second-level cache until they are hashed. */
const BATCH_BYTES = 256 * 1024;
/** Below this the lanes would run half empty, and a call for each leaf costs less. */
const LEAVES_MIN = 4;

const HASHES_AT = Sha256Lanes.dataAt;
const FRAMES_AT = HASHES_AT + LANE_BATCH_MAX * HASH_BYTES;

/** Hashes the leaves of frames in bulk and adds them to a tree: about half the time of a call for each leaf and node. */
export class LeafLanes {
  readonly #isSupported: boolean;
  #lanes: Sha256Lanes | undefined;
  readonly #starts = new Uint32Array(LANE_BATCH_MAX);
  readonly #lengths = new Uint32Array(LANE_BATCH_MAX);

  constructor(isSupported = Sha256Lanes.isSupported()) {
    this.#isSupported = isSupported;
  }

  /** `frames`: whole frames, end to end. They are left as they are. */
  addTo(frontier: Frontier, frames: Buffer): void {
    for (let at = 0; at < frames.length;) at = this.#addBatch(frontier, frames, at);
  }

  #addBatch(frontier: Frontier, frames: Buffer, from: number): number {
    let [at, count] = [from, 0];
    while (at < frames.length && count < LANE_BATCH_MAX) {
      const end = at + FRAME_PREFIX_BYTES + frames.readUInt16BE(at);
      if (count > 0 && end - from > BATCH_BYTES) break;
      // The leaf hash covers 0x00 ‖ leaf: the second byte of the frame's length lends its place.
      this.#starts[count] = FRAMES_AT + at + 1 - from;
      this.#lengths[count++] = end - at - 1;
      at = end;
    }
    const batch = frames.subarray(from, at);
    if (count < LEAVES_MIN || !this.#isSupported) this.#addOneByOne(frontier, batch, count);
    else this.#addAtOnce(frontier, batch, count);
    return at;
  }

  #addAtOnce(frontier: Frontier, batch: Buffer, count: number): void {
    const lanes = (this.#lanes ??= new Sha256Lanes(FRAMES_AT + BATCH_BYTES + FRAME_PREFIX_BYTES + LEAF_BYTES_MAX));
    lanes.bytes.set(batch, FRAMES_AT);
    for (let i = 0; i < count; i++) lanes.bytes[this.#starts[i]] = 0x00;
    lanes.digest({ count, starts: this.#starts, lengths: this.#lengths }, HASHES_AT);
    frontier.addHashes(lanes, HASHES_AT, count);
  }

  #addOneByOne(frontier: Frontier, batch: Buffer, count: number): void {
    for (let i = 0; i < count; i++) {
      const at = this.#starts[i] - FRAMES_AT;
      const borrowed = batch[at];
      batch[at] = 0x00;
      frontier.add(hash('sha256', batch.subarray(at, at + this.#lengths[i]), 'latin1'));
      batch[at] = borrowed;
    }
  }
}
