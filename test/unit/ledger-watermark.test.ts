import { describe, expect, it } from 'vitest';
import { nodeHashes } from '../../src/kernel/node-hashes.ts';
import {
  encodeSlot,
  parseWatermark,
  SLOT_BYTES,
  slotOffset,
  WATERMARK_FILE_BYTES,
  watermarkKey,
  type SlotKeys,
  type Watermark,
} from '../../src/ledger/watermark.ts';

const key = watermarkKey(nodeHashes, Buffer.alloc(32, 1));
const nextKey = watermarkKey(nodeHashes, Buffer.alloc(32, 2));
/** epoch.key is of epoch 4; one that a kill left behind leads to epoch 5. */
const keys: SlotKeys = { epoch: 4, candidates: (epoch) => (epoch === 4 ? [key] : epoch === 5 ? [nextKey] : []) };
const mark = (generation: number): Watermark => ({
  generation,
  epoch: 4,
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
    expect(parseWatermark(nodeHashes, keys, fileOf(6, 7))).toMatchObject({ newest: mark(7), damaged: [] });
    expect(parseWatermark(nodeHashes, keys, fileOf(8, 7))).toMatchObject({ newest: mark(8), damaged: [] });
  });

  it('falls back to the older slot for every single changed bit of the newer one', () => {
    for (let bit = 0; bit < SLOT_BYTES * 8; bit++) {
      const file = fileOf(6, 7);
      file[slotOffset(7) + (bit >> 3)] ^= 1 << (bit & 7);
      expect(parseWatermark(nodeHashes, keys, file)).toMatchObject({ newest: mark(6), damaged: [1] });
    }
  });

  it('refuses a slot that stands in the other place, is short, or has another key', () => {
    const moved = new Uint8Array(WATERMARK_FILE_BYTES);
    moved.set(encodeSlot(nodeHashes, key, mark(7)), slotOffset(6));
    expect(parseWatermark(nodeHashes, keys, moved)).toMatchObject({ newest: undefined, damaged: [0, 1] });
    expect(parseWatermark(nodeHashes, keys, fileOf(6, 7).subarray(0, 4096 + SLOT_BYTES - 1))).toMatchObject({
      newest: mark(6),
      damaged: [1],
      laterEpoch: undefined,
    });
    expect(parseWatermark(nodeHashes, { epoch: 4, candidates: () => [nextKey] }, fileOf(6, 7)).newest).toBeUndefined();
    expect(parseWatermark(nodeHashes, keys, new Uint8Array(0)).damaged).toEqual([0, 1]);
  });

  it('counts a slot of the epoch before as absent, one of any other epoch as damaged', () => {
    const slot = (generation: number, epoch: number, of: Uint8Array): Uint8Array => {
      const file = new Uint8Array(WATERMARK_FILE_BYTES);
      file.set(encodeSlot(nodeHashes, of, { ...mark(generation), epoch }), slotOffset(generation));
      return file;
    };
    const both = (a: Uint8Array, b: Uint8Array): Uint8Array => a.map((byte, i) => byte | b[i]);
    const gone = Buffer.alloc(32, 7);
    const current = slot(7, 4, key);
    expect(parseWatermark(nodeHashes, keys, both(slot(6, 3, gone), current))).toMatchObject({ newest: { generation: 7 }, damaged: [] });
    expect(parseWatermark(nodeHashes, keys, both(slot(6, 2, gone), current))).toMatchObject({ damaged: [0], earlierEpoch: 2 });
    expect(parseWatermark(nodeHashes, keys, both(slot(8, 5, nextKey), current))).toMatchObject({ newest: { generation: 8 }, damaged: [] });
    expect(parseWatermark(nodeHashes, keys, both(slot(8, 9, gone), current))).toMatchObject({ damaged: [0], laterEpoch: 9 });
  });
});
