import { FRAME_PREFIX_BYTES, LEAF_BYTES_MAX, SEGMENT_BYTES_TARGET, TILE_WIDTH } from '../kernel/leaf.ts';
import type { SegmentSource } from './ledger-files.ts';

/** Large reads cost little; the window only has to hold one frame and the head of the next. */
const WINDOW_BYTES = 1 << 20;
/** No segment gets longer: the last run of 256 leaves may begin one byte before the target. What lies beyond is not read. */
export const SEGMENT_BYTES_MAX = SEGMENT_BYTES_TARGET + TILE_WIDTH * (FRAME_PREFIX_BYTES + LEAF_BYTES_MAX);

/** A segment file seen through one buffer that slides forward: memory stays the same however long it is. */
export class SegmentWindow {
  buffer = Buffer.alloc(0);
  #source: SegmentSource | undefined;
  #base = 0;
  #held = 0;
  #bytes = 0;

  open(source: SegmentSource): void {
    this.#source = source;
    this.#base = 0;
    this.#held = 0;
    this.#bytes = Math.min(source.bytes, SEGMENT_BYTES_MAX);
    const wanted = Math.min(this.#bytes, WINDOW_BYTES);
    if (this.buffer.length < wanted) this.buffer = Buffer.alloc(wanted);
  }

  /** Length of the file, as far as it is read. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Index in `buffer` of the file's byte `at`; what follows up to `length` bytes is in the buffer as far as the file goes. */
  indexOf(at: number, length: number): number {
    const end = Math.min(at + length, this.#bytes);
    if (at < this.#base || end > this.#base + this.#held) this.#slideTo(at);
    return at - this.#base;
  }

  #slideTo(at: number): void {
    const wanted = Math.min(WINDOW_BYTES, this.#bytes - at);
    const held = this.#source?.read(this.buffer.subarray(0, wanted), at) ?? 0;
    // The file shrank under us: it ends where reading did.
    if (held < wanted) this.#bytes = at + held;
    this.#base = at;
    this.#held = held;
  }
}
