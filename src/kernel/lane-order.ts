import { assertInvariant } from './errors.ts';

/** Bounds the tables of a batch; a few hundred messages also stay in the first-level cache between two passes over them. */
export const LANE_BATCH_MAX = 1024;

const BLOCK_BYTES = 64;
/** The padding of SHA-256 needs nine bytes: 0x80 and the length. */
const REST_BYTES_MAX = BLOCK_BYTES - 9;

/** Full blocks and the one or two of the padded tail: messages of one shape go through the lanes in step. */
function shapeOf(bytes: number): number {
  return (bytes >>> 6) * 2 + ((bytes & 63) > REST_BYTES_MAX ? 1 : 0);
}

/** Puts a batch of messages in an order in which each four have the same number of blocks. */
export class LaneOrder {
  /** Four message numbers each; the last four of a shape repeat a message when there are fewer. */
  readonly quads: Uint32Array;
  quadCount = 0;
  /** Messages of `bytesMax` bytes and more. */
  readonly long: number[] = [];
  readonly #shapeOfLong: number;
  /** Where the next message of each shape goes in `quads`, and where the shape ends. */
  readonly #next: Uint32Array;

  constructor(bytesMax: number) {
    this.#shapeOfLong = shapeOf(bytesMax);
    this.#next = new Uint32Array(this.#shapeOfLong);
    this.quads = new Uint32Array(LANE_BATCH_MAX + 4 * this.#shapeOfLong);
  }

  sort(count: number, lengths: Uint32Array): void {
    assertInvariant(count <= LANE_BATCH_MAX, `a batch of at most ${LANE_BATCH_MAX} messages`);
    const [next, quads, longs] = [this.#next, this.quads, this.#shapeOfLong];
    next.fill(0);
    this.long.length = 0;
    for (let i = 0; i < count; i++) {
      const shape = shapeOf(lengths[i]);
      if (shape < longs) next[shape]++;
      else this.long.push(i);
    }
    let end = 0;
    for (let shape = 0; shape < longs; shape++) {
      const messages = next[shape];
      next[shape] = end;
      end += (messages + 3) & ~3;
    }
    this.quadCount = end / 4;
    if (this.long.length === count) return;
    this.#place(count, lengths);
    for (let shape = 0; shape < longs; shape++) for (; next[shape] % 4 !== 0; next[shape]++) quads[next[shape]] = quads[next[shape] - 1];
  }

  #place(count: number, lengths: Uint32Array): void {
    const [next, quads, longs] = [this.#next, this.quads, this.#shapeOfLong];
    for (let i = 0; i < count; i++) {
      const shape = shapeOf(lengths[i]);
      if (shape < longs) quads[next[shape]++] = i;
    }
  }
}
