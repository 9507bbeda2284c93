import { equalBytes, readU32, readU64, toHex, utf8 } from '../kernel/bytes.ts';
import { WATERMARK_LABEL } from '../kernel/chain.ts';
import { nodeHashes } from '../kernel/node-hashes.ts';

export const WATERMARK_BYTES = 8192;
const SLOT_OFFSETS = [0, 4096];
const SLOT_BYTES = 132;
const SLOT_MAC_AT = 100;
const MAGIC = utf8('PIPWMRK1');
const ZEROS = new Uint8Array(WATERMARK_BYTES);
/** Commits alternate between the slots; a power cut during a start, which writes both, may have kept the second one only. */
const GENERATION_GAP_MAX = 3;

export interface WatermarkSlot {
  readonly index: number;
  readonly generation: number;
  readonly size: number;
  readonly mac: Uint8Array;
  readonly checkpointHash: Uint8Array;
}

export interface WatermarkFault {
  readonly slot: number | undefined;
  readonly byteOffset: number;
  readonly expected: string;
  readonly found: string;
}

export interface Watermark {
  /** Slots that read well (and whose MAC is right, when there was a key), newest first. */
  readonly slots: readonly WatermarkSlot[];
  readonly faults: readonly WatermarkFault[];
}

/** Reads both slots. Without the key their MACs are not checked, and what they say is only a claim. */
export function readWatermark(file: Uint8Array, hmacKey: Uint8Array | undefined): Watermark {
  const faults: WatermarkFault[] = [];
  const slots: WatermarkSlot[] = [];
  for (const index of SLOT_OFFSETS.keys()) {
    const bytes = file.subarray(SLOT_OFFSETS[index], SLOT_OFFSETS[index] + SLOT_BYTES);
    const fault = slotFault(bytes, index, hmacKey);
    if (fault === undefined) slots.push(toSlot(bytes, index));
    else faults.push({ slot: index, byteOffset: SLOT_OFFSETS[index], expected: `a good watermark slot ${index}`, found: fault });
  }
  slots.sort((a, b) => b.generation - a.generation);
  return { slots, faults: [...faults, ...pairFaults(slots), ...fileFaults(file)] };
}

/** True when some slot was made with this key: then it is the ledger's own, whatever the genesis leaf looks like. */
export function isWatermarkOf(file: Uint8Array, hmacKey: Uint8Array): boolean {
  return SLOT_OFFSETS.some((offset, index) => slotFault(file.subarray(offset, offset + SLOT_BYTES), index, hmacKey) === undefined);
}

function slotFault(bytes: Uint8Array, index: number, hmacKey: Uint8Array | undefined): string | undefined {
  if (bytes.length < SLOT_BYTES) return `only ${bytes.length} of its ${SLOT_BYTES} bytes`;
  if (!equalBytes(bytes.subarray(0, MAGIC.length), MAGIC)) return bytes.every((byte) => byte === 0) ? 'zeros' : 'no slot magic';
  if (hmacKey !== undefined) {
    const key = nodeHashes.hmacSha256(hmacKey, WATERMARK_LABEL);
    const mac = nodeHashes.hmacSha256(key, bytes.subarray(0, SLOT_MAC_AT));
    if (!equalBytes(mac, bytes.subarray(SLOT_MAC_AT))) return 'a MAC that does not fit its content';
  }
  const generation = readU64(bytes, 8);
  const size = readU64(bytes, 20);
  if (generation === undefined || generation % 2 !== index) return 'a generation that belongs into the other slot';
  if (readU32(bytes, 16) !== 0) return `epoch ${readU32(bytes, 16)}, where 0 is the only one`;
  if (size === undefined || size === 0 || readU64(bytes, 28) !== size - 1) return 'a size that does not fit its last leaf';
  return undefined;
}

function toSlot(bytes: Uint8Array, index: number): WatermarkSlot {
  const [generation, size] = [readU64(bytes, 8) ?? 0, readU64(bytes, 20) ?? 0];
  return { index, generation, size, mac: bytes.slice(36, 68), checkpointHash: bytes.slice(68, SLOT_MAC_AT) };
}

function pairFaults(slots: readonly WatermarkSlot[]): WatermarkFault[] {
  if (slots.length < 2) return [];
  const [newest, older] = slots;
  if (newest.generation - older.generation <= GENERATION_GAP_MAX && older.size <= newest.size) return [];
  const expected = `generation ${newest.generation - 1} of at most ${newest.size} leaves`;
  const found = `generation ${older.generation} of ${older.size} leaves`;
  return [{ slot: older.index, byteOffset: SLOT_OFFSETS[older.index] + 8, expected, found }];
}

function fileFaults(file: Uint8Array): WatermarkFault[] {
  if (file.length !== WATERMARK_BYTES) {
    const found = file.length > WATERMARK_BYTES ? 'more' : `${file.length} bytes`;
    return [{ slot: undefined, byteOffset: Math.min(file.length, WATERMARK_BYTES), expected: `${WATERMARK_BYTES} bytes`, found }];
  }
  const faults: WatermarkFault[] = [];
  for (const [index, slot] of SLOT_OFFSETS.entries()) {
    const from = slot + SLOT_BYTES;
    const end = SLOT_OFFSETS[index + 1] ?? WATERMARK_BYTES;
    if (Buffer.compare(file.subarray(from, end), ZEROS.subarray(0, end - from)) === 0) continue;
    const at = file.subarray(from, end).findIndex((byte) => byte !== 0);
    const found = `0x${toHex(file.subarray(from + at, from + at + 1))}`;
    faults.push({ slot: undefined, byteOffset: from + at, expected: 'zeros outside the slots', found });
  }
  return faults;
}
