import { nodeHash, type Hashes } from '../kernel/hashes.ts';
import { TILE_WIDTH } from '../kernel/leaf.ts';

/**
 * Hashes of all complete, aligned subtrees of 256 leaves and more: 32 bytes per 128 leaves of memory. The leaves' own hashes
 * are recomputed from the segment when a proof needs them.
 */
export class BlockTree {
  readonly #hashes: Hashes;
  /** levels[k][i] = hash of the leaves [i·256·2^k, (i+1)·256·2^k). */
  readonly #levels: Uint8Array[][] = [[]];

  constructor(hashes: Hashes) {
    this.#hashes = hashes;
  }

  get blocks(): number {
    return this.#levels[0].length;
  }

  /** Adds the root of the next complete block of 256 leaves. */
  push(blockRoot: Uint8Array): void {
    this.#levels[0].push(blockRoot);
    for (let k = 0; this.#levels[k].length % 2 === 0; k++) {
      const level = this.#levels[k];
      if (this.#levels.length === k + 1) this.#levels.push([]);
      this.#levels[k + 1].push(nodeHash(this.#hashes, level[level.length - 2], level[level.length - 1]));
    }
  }

  /** Hash of the leaves [from, to) when that is one complete aligned subtree known here. */
  subtree(from: number, to: number): Uint8Array | undefined {
    const width = to - from;
    const blocks = width / TILE_WIDTH;
    const level = Math.log2(blocks);
    if (!Number.isInteger(level) || level < 0 || from % width !== 0) return undefined;
    return this.#levels[level]?.[from / width];
  }
}
