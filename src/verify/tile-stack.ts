import { concat } from '../kernel/bytes.ts';
import { nodeHash } from '../kernel/hashes.ts';
import { TILE_WIDTH } from '../kernel/leaf.ts';
import { nodeHashes } from '../kernel/node-hashes.ts';

export interface Tile {
  readonly level: number;
  readonly index: number;
  /** Up to 256 of 32 bytes. */
  readonly hashes: Uint8Array;
}

/** The hash tiles of c2sp.org/tlog-tiles over leaves that come one by one: a tile's root is one hash of the level above. */
export class TileStack {
  /** The unfinished tile of each level, and how many are complete. */
  readonly #levels: { hashes: Uint8Array[]; complete: number }[] = [];
  #taken: Tile[] = [];

  add(leafHash: Uint8Array): void {
    this.#push(0, leafHash);
  }

  /** No leaf follows: what is unfinished is partial. */
  closePartial(): void {
    for (const [level, { hashes, complete }] of this.#levels.entries()) {
      if (hashes.length > 0) this.#taken.push({ level, index: complete, hashes: concat(...hashes) });
    }
  }

  /** Tiles that became complete since the last time. */
  takeComplete(): Tile[] {
    const taken = this.#taken;
    this.#taken = [];
    return taken;
  }

  #push(level: number, hash: Uint8Array): void {
    const own = (this.#levels[level] ??= { hashes: [], complete: 0 });
    own.hashes.push(hash);
    if (own.hashes.length < TILE_WIDTH) return;
    this.#taken.push({ level, index: own.complete, hashes: concat(...own.hashes) });
    const root = rootOf(own.hashes);
    own.hashes = [];
    own.complete++;
    this.#push(level + 1, root);
  }
}

/** Root of a complete subtree. */
function rootOf(hashes: readonly Uint8Array[]): Uint8Array {
  let row = hashes;
  while (row.length > 1) row = Array.from({ length: row.length / 2 }, (_, i) => nodeHash(nodeHashes, row[2 * i], row[2 * i + 1]));
  return row[0];
}
