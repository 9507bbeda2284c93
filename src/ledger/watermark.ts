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

/** Which keys may have signed the slots of a start. */
export interface SlotKeys {
  /** Epoch of epoch.key: slots of the one before it cannot be checked any more. */
  readonly epoch: number;
  /** Watermark keys that an epoch may have, none when it is out of reach. */
  candidates(epoch: number): readonly Uint8Array[];
}

/** What a slot says, unchecked; undefined when it is in the wrong place or no slot at all. */
function parseSlot(slot: Uint8Array, index: number): Watermark | undefined {
  if (slot.length !== SLOT_BYTES || !equalBytes(slot.subarray(0, MAGIC.length), MAGIC)) return undefined;
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
  /** A well-formed slot is of an epoch whose key is gone. */
  readonly earlierEpoch: number | undefined;
  /** A well-formed slot speaks of an epoch beyond the reach of epoch.key, which is then an old one. */
  readonly laterEpoch: number | undefined;
}

export function parseWatermark(hashes: Hashes, keys: SlotKeys, file: Uint8Array): WatermarkState {
  const good: Watermark[] = [];
  const damaged: number[] = [];
  let earlierEpoch: number | undefined;
  let laterEpoch: number | undefined;
  SLOT_OFFSETS.forEach((offset, index) => {
    const bytes = file.subarray(offset, offset + SLOT_BYTES);
    const slot = parseSlot(bytes, index);
    const candidates = slot === undefined ? [] : keys.candidates(slot.epoch);
    const isGood = candidates.some((key) =>
      equalBytes(hashes.hmacSha256(key, bytes.subarray(0, SLOT_MAC_AT)), bytes.subarray(SLOT_MAC_AT)),
    );
    if (slot !== undefined && isGood) good.push(slot);
    // A kill between a new key and its second slot leaves a slot of the epoch before, whose key is gone: absent, not damaged.
    else if (slot?.epoch !== keys.epoch - 1) damaged.push(index);
    if (slot !== undefined && slot.epoch > keys.epoch + 1) laterEpoch = slot.epoch;
    if (slot !== undefined && slot.epoch < keys.epoch) earlierEpoch = slot.epoch;
  });
  return { newest: good.toSorted((a, b) => b.generation - a.generation)[0], damaged, earlierEpoch, laterEpoch };
}
