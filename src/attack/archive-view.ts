import { join } from 'node:path';
import { HASH_BYTES, leafHash } from '../kernel/hashes.ts';
import { TILE_WIDTH } from '../kernel/leaf.ts';
import { subtreeRoot } from '../kernel/merkle.ts';
import { nodeHashes } from '../kernel/node-hashes.ts';
import { formatTileIndex } from '../kernel/tile-path.ts';
import { AttackError } from './attack-error.ts';
import { isThere, readAll, writeAt } from './disk.ts';
import { splitFrames } from './frames.ts';
import { messagePlace, withOtherMessage } from './leaf-text.ts';
import type { LedgerView } from './ledger-view.ts';

/** An archive has fewer levels than that: 256^8 leaves exceed every counter. */
const LEVELS_MAX = 8;

/** Full tiles of an archive folder in the layout of c2sp.org/tlog-tiles. */
export class ArchiveView {
  readonly #folder: string;

  constructor(view: LedgerView) {
    if (view.archiveDir === undefined) throw new AttackError('not-possible', 'it needs --archive DIR: the ledger’s folder in an archive');
    this.#folder = view.archiveDir;
    if (!isThere(this.tile(0, 0))) throw new AttackError('not-possible', `there is no full tile in "${this.#folder}"`);
  }

  tile(level: number | 'entries', index: number): string {
    return join(this.#folder, 'tile', String(level), formatTileIndex(index));
  }

  /** The full tile of entries that holds the leaf, or else the first one. */
  tileOf(seq: number): number {
    const index = Math.floor(seq / TILE_WIDTH);
    return isThere(this.tile('entries', index)) ? index : 0;
  }

  /** Changes the first event of the tile that has a message, and every hash above it that lies in a full tile. */
  editEntry(index: number): number {
    const path = this.tile('entries', index);
    const frames = splitFrames(readAll(path));
    const at = frames.findIndex(({ leaf }) => messagePlace(leaf) !== undefined);
    if (at < 0) throw new AttackError('not-possible', `no entry in "${path}" is an event with a message`);
    const leaf = withOtherMessage(frames[at].leaf);
    writeAt(path, frames[at].at + 2, leaf);
    const seq = index * TILE_WIDTH + at;
    let hash = leafHash(nodeHashes, leaf);
    for (let level = 0, position = seq; level < LEVELS_MAX; level++, position = Math.floor(position / TILE_WIDTH)) {
      const tile = this.tile(level, Math.floor(position / TILE_WIDTH));
      if (!isThere(tile)) break;
      writeAt(tile, (position % TILE_WIDTH) * HASH_BYTES, hash);
      const hashes = readAll(tile);
      hash = subtreeRoot(nodeHashes, (child) => hashes.subarray(child * HASH_BYTES, (child + 1) * HASH_BYTES), 0, TILE_WIDTH);
    }
    return seq;
  }
}
