import { describe, expect, it } from 'vitest';
import { formatTileIndex, parseTilePath } from '../../src/kernel/tile-path.ts';

describe('tile paths', () => {
  it('write the index as C2SP tlog-tiles prints it', () => {
    expect([0, 67, 1000, 1_234_067].map(formatTileIndex)).toEqual(['000', '067', 'x001/000', 'x001/x234/067']);
  });

  it('read every path they write', () => {
    expect(parseTilePath('0/x001/x234/067.p/8')).toEqual({ level: 0, index: 1_234_067, width: 8 });
    expect(parseTilePath('entries/x001/x234/067')).toEqual({ level: 'entries', index: 1_234_067, width: 256 });
    expect(parseTilePath('63/000')).toEqual({ level: 63, index: 0, width: 256 });
  });

  it.each([
    '',
    '0',
    '0/0',
    '0/00',
    '0/0000',
    '00/000',
    '64/000',
    '0/000.p/0',
    '0/000.p/256',
    '0/000.p/01',
    '0/x000/000',
    '0/001/000',
    '-1/000',
    'entries',
    'entries/000/',
    '../000',
    '0/x1/000',
    '0/000.p/',
    '0/%30',
  ])('refuse %j', (bad) => {
    expect(parseTilePath(bad)).toBeUndefined();
  });
});
