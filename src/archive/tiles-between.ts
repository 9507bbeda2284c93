import { formatTileIndex, type TilePath } from '../kernel/tile-path.ts';

/** Entries of a full tile and of a full entry bundle (C2SP tlog-tiles). */
const TILE_WIDTH = 256;

/** Key of a tile below the archive's own prefix: its path in tlog-tiles. */
export function tileKey({ level, index, width }: TilePath): string {
  return `tile/${level}/${formatTileIndex(index)}${width < TILE_WIDTH ? `.p/${width}` : ''}`;
}

/**
 * What a tree of `to` leaves has in tlog-tiles that one of `from` leaves lacks: entry bundles and hash tiles that became full, and the
 * partial ones at `to`. Lower levels first, each bundle followed by the hashes of its entries: whoever makes both reads it once.
 */
export function* tilesBetween(from: number, to: number): Generator<TilePath> {
  for (const { index, width } of tilesOfLevel(0, from, to)) {
    yield { level: 'entries', index, width };
    yield { level: 0, index, width };
  }
  for (let level = 1, each = TILE_WIDTH; each <= to; level++, each *= TILE_WIDTH) {
    yield* tilesOfLevel(level, Math.floor(from / each), Math.floor(to / each));
  }
}

/** `from` and `to` count the hashes of the level; a hash becomes part of a tile when its whole subtree is there. */
function* tilesOfLevel(level: TilePath['level'], from: number, to: number): Generator<TilePath> {
  const fullTo = Math.floor(to / TILE_WIDTH);
  for (let index = Math.floor(from / TILE_WIDTH); index < fullTo; index++) yield { level, index, width: TILE_WIDTH };
  const width = to % TILE_WIDTH;
  if (width > 0 && to > from) yield { level, index: fullTo, width };
}
