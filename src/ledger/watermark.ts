import { equalBytes, readU32, readU64, utf8, writeU32, writeU64 } from '../kernel/bytes.ts';
import { WATERMARK_LABEL } from '../kernel/chain.ts';
import type { Hashes } from '../kernel/hashes.ts';

/** Watermark slots of docs/formats/ledger.md: what was acknowledged, written after the data is durable. */
export const WATERMARK_FILE_BYTES = 8192;
const SLOT_OFFSETS = [0, 4096] as const;
const SLOT_MAC_AT = 100;
export const SLOT_BYTES = 132;
const MAGIC = utf8('PIPWMRK1');

export interface Watermark {
  readonly generation: number;
  readonly epoch: number;
  /** Leaves acknowledged; at least 1. */
  readonly size: number;
  readonly mac: Uint8Array;
  readonly checkpointHash: Uint8Array;
}

export function slotOffset(generation: number): number {
  return SLOT_OFFSETS[generation % 2];
}

export function watermarkKey(hashes: Hashes, hmacKey: Uint8Array): Uint8Array {
  return hashes.hmacSha256(hmacKey, WATERMARK_LABEL);
}

export function encodeSlot(hashes: Hashes, key: Uint8Array, mark: Watermark): Uint8Array {
  const slot = new Uint8Array(SLOT_BYTES);
  slot.set(MAGIC, 0);
  writeU64(slot, 8, mark.generation);
  writeU32(slot, 16, mark.epoch);
  writeU64(slot, 20, mark.size);
  writeU64(slot, 28, mark.size - 1);
  slot.set(mark.mac, 36);
  slot.set(mark.checkpointHash, 68);
  slot.set(hashes.hmacSha256(key, slot.subarray(0, SLOT_MAC_AT)), SLOT_MAC_AT);
  return slot;
}

/** One slot, or undefined when it is damaged, in the wrong place or not ours. */
function parseSlot(hashes: Hashes, key: Uint8Array, slot: Uint8Array, index: number): Watermark | undefined {
  if (slot.length !== SLOT_BYTES || !equalBytes(slot.subarray(0, MAGIC.length), MAGIC)) return undefined;
  if (!equalBytes(hashes.hmacSha256(key, slot.subarray(0, SLOT_MAC_AT)), slot.subarray(SLOT_MAC_AT))) return undefined;
  const generation = readU64(slot, 8);
  const size = readU64(slot, 20);
  if (generation === undefined || size === undefined || size === 0 || readU64(slot, 28) !== size - 1 || generation % 2 !== index)
    return undefined;
  return { generation, epoch: readU32(slot, 16), size, mac: slot.slice(36, 68), checkpointHash: slot.slice(68, SLOT_MAC_AT) };
}

export interface WatermarkState {
  /** The good slot of the highest generation. */
  readonly newest: Watermark | undefined;
  /** Indices of slots that do not verify. */
  readonly damaged: readonly number[];
}

export function parseWatermark(hashes: Hashes, key: Uint8Array, file: Uint8Array): WatermarkState {
  const slots = SLOT_OFFSETS.map((offset, index) => parseSlot(hashes, key, file.subarray(offset, offset + SLOT_BYTES), index));
  const good = slots.filter((slot) => slot !== undefined).toSorted((a, b) => b.generation - a.generation);
  return { newest: good[0], damaged: slots.flatMap((slot, index) => (slot === undefined ? [index] : [])) };
}
