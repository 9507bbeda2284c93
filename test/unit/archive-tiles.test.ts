import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { tileKey, tilesBetween } from '../../src/archive/tiles-between.ts';
import { parseTilePath } from '../../src/kernel/tile-path.ts';
import { testSeed } from '../support/seed.ts';

/** By the words of c2sp.org/tlog-tiles: every level has one tile for each 256 hashes, and a partial one for the rest. */
function allTiles(size: number): Set<string> {
  const keys = new Set<string>();
  for (let level = 0, hashes = size; hashes > 0; level++, hashes = Math.floor(hashes / 256)) {
    for (let index = 0; index * 256 < hashes; index++) {
      const width = Math.min(256, hashes - index * 256);
      keys.add(tileKey({ level, index, width }));
      if (level === 0) keys.add(tileKey({ level: 'entries', index, width }));
    }
  }
  return keys;
}

const isFull = (key: string): boolean => !key.includes('.p/');

describe('tiles between two sizes', () => {
  it('are all tiles of the larger tree but the full ones of the smaller', () => {
    const sizes = fc.tuple(fc.nat({ max: 200_000 }), fc.nat({ max: 70_000 })).map(([from, more]) => [from, from + more] as const);
    fc.assert(
      fc.property(sizes, ([from, to]) => {
        const before = new Set([...allTiles(from)].filter(isFull));
        // A partial tile that did not grow is there already.
        const there = allTiles(from);
        const between = [...tilesBetween(from, to)].map(tileKey);
        expect(new Set([...before, ...there, ...between])).toEqual(new Set([...allTiles(to), ...there]));
        expect(between.filter((key) => before.has(key))).toEqual([]);
        expect(new Set(between).size).toBe(between.length);
      }),
      { seed: testSeed(), numRuns: 60 },
    );
  });

  it('come with the lower levels first', () => {
    const levels = [...tilesBetween(0, 66_000)].map(({ level }) => (level === 'entries' ? 0 : level));
    expect(levels).toEqual(levels.toSorted((a, b) => a - b));
    expect(levels.at(-1)).toBe(2);
  });

  it('have keys that /tile serves', () => {
    for (const tile of tilesBetween(0, 70_000)) expect(parseTilePath(tileKey(tile).slice('tile/'.length))).toEqual(tile);
    expect(tileKey({ level: 'entries', index: 1_234_067, width: 256 })).toBe('tile/entries/x001/x234/067');
    expect(tileKey({ level: 1, index: 0, width: 3 })).toBe('tile/1/000.p/3');
  });
});
