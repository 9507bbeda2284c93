/** Paths of C2SP tlog-tiles: index in three-digit groups, all but the last prefixed "x", a partial width as ".p/W". */
export function formatTileIndex(index: number): string {
  const groups: string[] = [];
  let rest = index;
  do {
    groups.unshift(String(rest % 1000).padStart(3, '0'));
    rest = Math.floor(rest / 1000);
  } while (rest > 0);
  return groups.map((group, at) => (at < groups.length - 1 ? `x${group}` : group)).join('/');
}

export interface TilePath {
  readonly level: number | 'entries';
  readonly index: number;
  /** 1–256; 256 for a full tile. */
  readonly width: number;
}

const TILE = /^(entries|0|[1-9]\d?)\/((?:x\d{3}\/){0,4}\d{3})(?:\.p\/([1-9]\d{0,2}))?$/;
/** tlog-tiles: levels 0 to 63. */
const LEVEL_MAX = 63;

/** `<L>/<N>[.p/<W>]` or `entries/<N>[.p/<W>]`; undefined unless it is the one correct spelling. */
export function parseTilePath(path: string): TilePath | undefined {
  const match = TILE.exec(path);
  if (match === null) return undefined;
  const index = Number(match[2].replaceAll(/[x/]/g, ''));
  const width = match[3] === undefined ? 256 : Number(match[3]);
  const level = match[1] === 'entries' ? 'entries' : Number(match[1]);
  if (!Number.isSafeInteger(index) || formatTileIndex(index) !== match[2]) return undefined;
  if (width > 256 || (match[3] !== undefined && width === 256) || (level !== 'entries' && level > LEVEL_MAX)) return undefined;
  return { level, index, width };
}
