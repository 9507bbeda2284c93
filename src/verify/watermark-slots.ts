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
  /** The epoch that runs after the acknowledged leaves; its key made the slot's MAC. */
  readonly epoch: number;
  readonly size: number;
  readonly mac: Uint8Array;
  readonly checkpointHash: Uint8Array;
  /** All 132 bytes. */
  readonly content: Uint8Array;
}

export interface WatermarkFault {
  readonly slot: number | undefined;
  readonly byteOffset: number;
  readonly expected: string;
  readonly found: string;
}

export interface Watermark {
  /** Slots that say something, newest first: claims until their MACs are checked. */
  readonly slots: readonly WatermarkSlot[];
  readonly slotFaults: readonly WatermarkFault[];
  readonly fileFaults: readonly WatermarkFault[];
}

/** Reads both slots as far as their bytes alone can be judged. */
export function readWatermark(file: Uint8Array): Watermark {
  const slotFaults: WatermarkFault[] = [];
  const slots: WatermarkSlot[] = [];
  for (const index of SLOT_OFFSETS.keys()) {
    const bytes = file.subarray(SLOT_OFFSETS[index], SLOT_OFFSETS[index] + SLOT_BYTES);
    const fault = slotFault(bytes, index);
    if (fault === undefined) slots.push(toSlot(bytes, index));
    else slotFaults.push(toFault(index, fault));
  }
  slots.sort((a, b) => b.generation - a.generation);
  return { slots, slotFaults, fileFaults: fileFaults(file) };
}

/** What the leaves say about a size: the epoch that runs after it, and the MAC (latin1) of its last leaf. */
export interface CommitFacts {
  readonly epoch: number;
  readonly mac: string;
}

/**
 * Keeps the slots that are not disproved. Those of an epoch without a known key count only where no slot can be checked: beside one
 * that can, they are absent (the process died between the key and the second slot), as long as the leaves do not contradict them.
 */
export function judgeWatermark(
  watermark: Watermark,
  keyOf: (epoch: number) => Uint8Array | undefined,
  commitOf: (size: number) => CommitFacts | undefined,
): Watermark {
  const judged = watermark.slots.map((slot) => {
    const key = keyOf(slot.epoch);
    return { slot, isRight: key === undefined ? undefined : isSlotOf(slot, key) };
  });
  const right = judged.filter(({ isRight }) => isRight === true);
  const unknown = judged.filter(({ isRight }) => isRight === undefined);
  const wrong = judged.filter(({ isRight }) => isRight === false);
  const slotFaults = [...watermark.slotFaults, ...wrong.map(({ slot }) => toFault(slot.index, 'a MAC that does not fit its content'))];
  if (right.length > 0) {
    const contradicted = unknown.filter(({ slot }) => isContradicted(slot, commitOf(slot.size)));
    slotFaults.push(...contradicted.map(({ slot }) => toFault(slot.index, 'another epoch or MAC than the leaves give')));
  }
  slotFaults.sort((a, b) => a.byteOffset - b.byteOffset);
  return { ...watermark, slots: (right.length > 0 ? right : unknown).map(({ slot }) => slot), slotFaults };
}

function isContradicted(slot: WatermarkSlot, commit: CommitFacts | undefined): boolean {
  return commit !== undefined && (commit.epoch !== slot.epoch || commit.mac !== Buffer.from(slot.mac).toString('latin1'));
}

/** Everything wrong with the file: its slots, how they stand to each other, and what lies around them. */
export function watermarkFaults({ slots, slotFaults, fileFaults: around }: Watermark): WatermarkFault[] {
  return [...slotFaults, ...pairFaults(slots), ...around];
}

export function isSlotOf({ content }: WatermarkSlot, key: Uint8Array): boolean {
  const mac = nodeHashes.hmacSha256(nodeHashes.hmacSha256(key, WATERMARK_LABEL), content.subarray(0, SLOT_MAC_AT));
  return equalBytes(mac, content.subarray(SLOT_MAC_AT));
}

function toFault(slot: number, found: string): WatermarkFault {
  return { slot, byteOffset: SLOT_OFFSETS[slot], expected: `a good watermark slot ${slot}`, found };
}

function slotFault(bytes: Uint8Array, index: number): string | undefined {
  if (bytes.length < SLOT_BYTES) return `only ${bytes.length} of its ${SLOT_BYTES} bytes`;
  if (!equalBytes(bytes.subarray(0, MAGIC.length), MAGIC)) return bytes.every((byte) => byte === 0) ? 'zeros' : 'no slot magic';
  const generation = readU64(bytes, 8);
  const size = readU64(bytes, 20);
  if (generation === undefined || generation % 2 !== index) return 'a generation that belongs into the other slot';
  if (size === undefined || size === 0 || readU64(bytes, 28) !== size - 1) return 'a size that does not fit its last leaf';
  if (readU32(bytes, 16) >= size) return `epoch ${readU32(bytes, 16)} after ${size} leaves`;
  return undefined;
}

function toSlot(bytes: Uint8Array, index: number): WatermarkSlot {
  const [generation, size] = [readU64(bytes, 8) ?? 0, readU64(bytes, 20) ?? 0];
  const [mac, checkpointHash] = [bytes.slice(36, 68), bytes.slice(68, SLOT_MAC_AT)];
  return { index, generation, epoch: readU32(bytes, 16), size, mac, checkpointHash, content: bytes.slice() };
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
