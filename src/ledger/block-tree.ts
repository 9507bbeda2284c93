import { HASH_BYTES, nodeHash, type Hashes } from '../kernel/hashes.ts';
import { TILE_WIDTH } from '../kernel/leaf.ts';

/** Hashes a level has room for at first; it doubles when full. */
const LEVEL_HASHES_AT_LEAST = 64;

/** Hashes of one height, end to end: an object for each would cost several times its 32 bytes. */
class Level {
  #bytes = new Uint8Array(LEVEL_HASHES_AT_LEAST * HASH_BYTES);
  count = 0;

  push(hash: Uint8Array): void {
    if ((this.count + 1) * HASH_BYTES > this.#bytes.length) {
      const larger = new Uint8Array(this.#bytes.length * 2);
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    this.#bytes.set(hash, this.count * HASH_BYTES);
    this.count++;
  }

  /** A copy: the level's own bytes move when it grows. */
  at(index: number): Uint8Array | undefined {
    return index < this.count ? this.#bytes.slice(index * HASH_BYTES, (index + 1) * HASH_BYTES) : undefined;
  }
}

/**
 * Hashes of all complete, aligned subtrees of 256 leaves and more: 64 bytes of memory per 256 leaves. The leaves' own hashes
 * are recomputed from the segment when a proof needs them.
 */
export class BlockTree {
  readonly #hashes: Hashes;
  /** levels[k] holds the hashes of the leaves [i·256·2^k, (i+1)·256·2^k). */
  readonly #levels: Level[] = [new Level()];

  constructor(hashes: Hashes) {
    this.#hashes = hashes;
  }

  /** Adds the root of the next complete block of 256 leaves. */
  push(blockRoot: Uint8Array): void {
    let hash = blockRoot;
    for (let k = 0; ; k++) {
      const level = (this.#levels[k] ??= new Level());
      level.push(hash);
      const left = level.count % 2 === 0 ? level.at(level.count - 2) : undefined;
      if (left === undefined) return;
      hash = nodeHash(this.#hashes, left, hash);
    }
  }

  /** Hash of the leaves [from, to) when that is one complete aligned subtree known here. */
  subtree(from: number, to: number): Uint8Array | undefined {
    const width = to - from;
    const level = Math.log2(width / TILE_WIDTH);
    if (!Number.isInteger(level) || level < 0 || from % width !== 0) return undefined;
    return this.#levels[level]?.at(from / width);
  }
}
