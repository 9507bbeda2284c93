import { readU64, utf8, writeU32, writeU64 } from '../kernel/bytes.ts';
import { WATERMARK_LABEL } from '../kernel/chain.ts';
import { LEAF_MAC_BYTES } from '../kernel/leaf.ts';
import { nodeHashes } from '../kernel/node-hashes.ts';

/** docs/formats/ledger.md, Watermark. */
const FILE_BYTES = 8192;
export const SLOT_OFFSETS: readonly number[] = [0, 4096];
const SIZE_AT = 20;
const MAC_AT = 100;
const MAGIC = utf8('PIPWMRK1');

export interface WatermarkClaim {
  /** The epoch that runs after the last leaf, and its key. */
  readonly epoch: number;
  readonly key: Uint8Array;
  readonly size: number;
  readonly lastLeaf: Uint8Array;
  readonly checkpoint: string;
}

/** Highest generation that either slot of a watermark file states; nothing is checked. */
export function generationOf(file: Uint8Array): number {
  return Math.max(0, ...SLOT_OFFSETS.map((at) => (file.length >= at + 16 ? (readU64(file, at + 8) ?? 0) : 0)));
}

/** The size that the slot of the highest generation states; nothing is checked. */
export function acknowledgedSize(file: Uint8Array): number {
  const slots = SLOT_OFFSETS.filter((at) => file.length >= at + SIZE_AT + 8);
  const newest = slots.toSorted((a, b) => (readU64(file, b + 8) ?? 0) - (readU64(file, a + 8) ?? 0))[0];
  return newest === undefined ? 0 : (readU64(file, newest + SIZE_AT) ?? 0);
}

/** A watermark file whose two slots both state the claim, as after a start. */
export function forgeWatermark(claim: WatermarkClaim, generation: number): Buffer {
  const file = Buffer.alloc(FILE_BYTES);
  const first = generation + (generation % 2);
  for (const number of [first, first + 1]) file.set(slotOf(claim, number), SLOT_OFFSETS[number % 2]);
  return file;
}

function slotOf(claim: WatermarkClaim, generation: number): Uint8Array {
  const slot = new Uint8Array(MAC_AT);
  slot.set(MAGIC, 0);
  writeU64(slot, 8, generation);
  writeU32(slot, 16, claim.epoch);
  writeU64(slot, 20, claim.size);
  writeU64(slot, 28, claim.size - 1);
  slot.set(claim.lastLeaf.subarray(claim.lastLeaf.length - LEAF_MAC_BYTES), 36);
  slot.set(nodeHashes.sha256(utf8(claim.checkpoint)), 68);
  const key = nodeHashes.hmacSha256(claim.key, WATERMARK_LABEL);
  return Buffer.concat([slot, nodeHashes.hmacSha256(key, slot)]);
}
