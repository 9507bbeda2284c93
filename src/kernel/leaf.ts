import { readU16, readU32, readU64, readU64BigInt } from './bytes.ts';

/**
 * Leaf and frame layout of docs/formats/ledger.md. A leaf is `header ‖ payload ‖ mac`; a frame is `u16 length ‖ leaf`.
 */
export const LEAF_HEADER_BYTES = 24;
export const LEAF_MAC_BYTES = 32;
/** The u16 length of a C2SP entry bundle bounds a leaf. */
export const LEAF_BYTES_MAX = 0xffff;
export const FRAME_PREFIX_BYTES = 2;
export const LEAF_VERSION = 1;

/** SHA-256 of the Idempotency-Key ‖ SHA-256 of the request; stands before the payload of a leaf with FLAG_REQUEST_TAG. */
export const REQUEST_TAG_BYTES = 64;
/** Bounds every payload so that it fits with a request tag in front: a retry with a key must never turn too large. */
export const PAYLOAD_BYTES_MAX = LEAF_BYTES_MAX - LEAF_HEADER_BYTES - LEAF_MAC_BYTES - REQUEST_TAG_BYTES;

/** Frozen: numbers are never reused. Unknown types verify as opaque. */
export const LEAF_TYPES = {
  genesis: 1,
  event: 2,
  epochSeal: 3,
  heartbeat: 4,
  recovery: 5,
  keyRotate: 6,
  clockStep: 7,
  config: 8,
  versionChange: 9,
  bundle: 10,
  tamper: 11,
  limiterAggregate: 12,
  minuteSummary: 13,
  rejectedInput: 14,
  access: 15,
  witness: 16,
} as const;

export type LeafTypeName = keyof typeof LEAF_TYPES;

const TYPE_NAMES = new Map<number, LeafTypeName>(Object.entries(LEAF_TYPES).map(([name, code]) => [code, name as LeafTypeName]));

export function leafTypeName(type: number): LeafTypeName | undefined {
  return TYPE_NAMES.get(type);
}

/** Last leaf of its request: recovery never keeps half a request. */
export const FLAG_LAST_OF_REQUEST = 1 << 0;
/** The payload has committed (redactable) fields. */
const FLAG_COMMITTED_FIELDS = 1 << 1;
/** The payload is preceded by a request tag. */
export const FLAG_REQUEST_TAG = 1 << 2;
export const FLAGS_KNOWN = FLAG_LAST_OF_REQUEST | FLAG_COMMITTED_FIELDS | FLAG_REQUEST_TAG;

export interface LeafHeader {
  readonly version: number;
  readonly type: number;
  readonly flags: number;
  /** Leaf index, contiguous from 0. */
  readonly seq: number;
  readonly epoch: number;
  /** Server wall time, ns since the Unix epoch, never decreasing along the ledger. */
  readonly timeNs: bigint;
}

export interface Leaf extends LeafHeader {
  /** The whole leaf, as hashed into the tree. */
  readonly bytes: Uint8Array;
  /** Request tag (64 bytes) or undefined. */
  readonly requestTag: Uint8Array | undefined;
  readonly payload: Uint8Array;
  readonly mac: Uint8Array;
}

/** Why bytes are not a leaf, in words for a report. */
export class LeafFormatError extends Error {}

/** Bytes → leaf (views, no copies), or throws LeafFormatError. Nothing is believed yet: no MAC has been checked. */
export function parseLeaf(bytes: Uint8Array): Leaf {
  if (bytes.length < LEAF_HEADER_BYTES + LEAF_MAC_BYTES) throw new LeafFormatError(`leaf of ${bytes.length} bytes is too short`);
  if (bytes.length > LEAF_BYTES_MAX) throw new LeafFormatError(`leaf of ${bytes.length} bytes is too long`);
  const version = bytes[0];
  if (version !== LEAF_VERSION) throw new LeafFormatError(`leaf version ${version} is unknown`);
  const flags = readU16(bytes, 2);
  if ((flags & ~FLAGS_KNOWN) !== 0) throw new LeafFormatError(`leaf flags 0x${flags.toString(16)} are unknown`);
  const seq = readU64(bytes, 4);
  if (seq === undefined) throw new LeafFormatError('leaf counter exceeds 2^53 - 1');
  const tagBytes = (flags & FLAG_REQUEST_TAG) === 0 ? 0 : REQUEST_TAG_BYTES;
  const payloadAt = LEAF_HEADER_BYTES + tagBytes;
  const macAt = bytes.length - LEAF_MAC_BYTES;
  if (macAt < payloadAt) throw new LeafFormatError('leaf is too short for its request tag');
  return {
    version,
    type: bytes[1],
    flags,
    seq,
    epoch: readU32(bytes, 12),
    timeNs: readU64BigInt(bytes, 16),
    bytes,
    requestTag: tagBytes === 0 ? undefined : bytes.subarray(LEAF_HEADER_BYTES, payloadAt),
    payload: bytes.subarray(payloadAt, macAt),
    mac: bytes.subarray(macAt),
  };
}

/** A segment ends at this many leaves … */
export const SEGMENT_LEAVES_MAX = 65_536;
/** … or at the first multiple of TILE_WIDTH leaves at or past this many bytes. */
export const SEGMENT_BYTES_TARGET = 32 * 1024 * 1024;
/** Entries of a full tile or entry bundle (C2SP tlog-tiles). */
export const TILE_WIDTH = 256;

const SEGMENT_NAME = /^(\d{20})\.seg$/;

export function segmentName(firstSeq: number): string {
  return `${String(firstSeq).padStart(20, '0')}.seg`;
}

/** The first leaf index a segment file's name states; undefined when the name is not a segment's. */
export function parseSegmentName(name: string): number | undefined {
  const match = SEGMENT_NAME.exec(name);
  if (match === null) return undefined;
  const first = Number(match[1]);
  return Number.isSafeInteger(first) ? first : undefined;
}

/** True when a segment holding `leaves` leaves in `bytes` bytes takes no further leaf. */
export function segmentIsFull(leaves: number, bytes: number): boolean {
  return leaves >= SEGMENT_LEAVES_MAX || (bytes >= SEGMENT_BYTES_TARGET && leaves % TILE_WIDTH === 0);
}
