import { describe, expect, it } from 'vitest';
import { nodeHashes } from '../../src/kernel/node-hashes.ts';
import {
  encodeSlot,
  parseWatermark,
  SLOT_BYTES,
  slotOffset,
  WATERMARK_FILE_BYTES,
  watermarkKey,
  type Watermark,
} from '../../src/ledger/watermark.ts';

const key = watermarkKey(nodeHashes, Buffer.alloc(32, 1));
const mark = (generation: number): Watermark => ({
  generation,
  epoch: 0,
  size: generation + 10,
  mac: new Uint8Array(32).fill(2),
  checkpointHash: new Uint8Array(32).fill(3),
});

function fileOf(...generations: number[]): Uint8Array {
  const file = new Uint8Array(WATERMARK_FILE_BYTES);
  for (const generation of generations) file.set(encodeSlot(nodeHashes, key, mark(generation)), slotOffset(generation));
  return file;
}

describe('the watermark', () => {
  it('is the good slot of the highest generation', () => {
    expect(parseWatermark(nodeHashes, key, fileOf(6, 7))).toEqual({ newest: mark(7), damaged: [] });
    expect(parseWatermark(nodeHashes, key, fileOf(8, 7))).toEqual({ newest: mark(8), damaged: [] });
  });

  it('falls back to the older slot for every single changed bit of the newer one', () => {
    for (let bit = 0; bit < SLOT_BYTES * 8; bit++) {
      const file = fileOf(6, 7);
      file[slotOffset(7) + (bit >> 3)] ^= 1 << (bit & 7);
      expect(parseWatermark(nodeHashes, key, file)).toEqual({ newest: mark(6), damaged: [1] });
    }
  });

  it('refuses a slot that stands in the other place, is short, or has another key', () => {
    const moved = new Uint8Array(WATERMARK_FILE_BYTES);
    moved.set(encodeSlot(nodeHashes, key, mark(7)), slotOffset(6));
    expect(parseWatermark(nodeHashes, key, moved)).toEqual({ newest: undefined, damaged: [0, 1] });
    expect(parseWatermark(nodeHashes, key, fileOf(6, 7).subarray(0, 4096 + SLOT_BYTES - 1))).toEqual({ newest: mark(6), damaged: [1] });
    expect(parseWatermark(nodeHashes, watermarkKey(nodeHashes, Buffer.alloc(32, 9)), fileOf(6, 7)).newest).toBeUndefined();
    expect(parseWatermark(nodeHashes, key, new Uint8Array(0)).damaged).toEqual([0, 1]);
  });
});
