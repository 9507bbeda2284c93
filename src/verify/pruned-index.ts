import { equalBytes, fromUtf8, readU32, readU64 } from '../kernel/bytes.ts';
import { HASH_BYTES } from '../kernel/hashes.ts';
import { LEAF_MAC_BYTES, SEGMENT_LEAVES_MAX, TILE_WIDTH } from '../kernel/leaf.ts';
import { nodeHashes } from '../kernel/node-hashes.ts';
import type { Rotation } from './segment-state.ts';

/** What stands in for the leaves of a segment that retention removed (docs/formats/ledger.md, Segment index). */
export interface PrunedSegment {
  readonly leaves: number;
  /** The epoch that runs after its last leaf. */
  readonly epoch: number;
  readonly lastTimeHigh: number;
  readonly lastTimeLow: number;
  /** latin1 */
  readonly lastMac: string;
  /** Roots of its blocks of 256 leaves (latin1): believed because of the signed root over them. */
  readonly blockRoots: readonly string[];
  /** Rotations up to its end: statements, until a root key fits one. */
  readonly rotations: readonly Rotation[];
}

const MAGIC = 'PIPSIDX1';
const HEADER_BYTES = 96;
const LAST_TIME_AT = 44;
const LAST_MAC_AT = 52;
const BLOCK_BYTES = 4 + 8 + HASH_BYTES;
const REQUEST_BYTES = 48;
/** 256 blocks, a keyed request for each leaf, and facts of a few hundred thousand bytes. */
export const PRUNED_INDEX_BYTES_MAX = 4 * 1024 * 1024;
/** Rotations are made by hand. */
const ROTATIONS_MAX = 10_000;

/** The index of the segment that began with leaf `first`, or what is wrong with the bytes. */
export function readPrunedIndex(bytes: Uint8Array, first: number): PrunedSegment | string {
  const sumAt = bytes.length - HASH_BYTES;
  if (sumAt < HEADER_BYTES) return `${bytes.length} bytes`;
  if (bytes.length > PRUNED_INDEX_BYTES_MAX) return 'more bytes than an index has';
  if (Buffer.from(bytes.subarray(0, MAGIC.length)).toString('latin1') !== MAGIC) return 'no index magic';
  if (!equalBytes(nodeHashes.sha256(bytes.subarray(0, sumAt)), bytes.subarray(sumAt))) return 'a checksum that does not fit';
  if (readU64(bytes, 8) !== first) return `the index of leaf ${readU64(bytes, 8) ?? 'beyond 2^53'}`;
  const [leaves, blocks, requests, factsBytes] = [16, 84, 88, 92].map((at) => readU32(bytes, at));
  if (leaves === 0 || leaves > SEGMENT_LEAVES_MAX || leaves !== blocks * TILE_WIDTH) return `${blocks} blocks for ${leaves} leaves`;
  const factsAt = HEADER_BYTES + blocks * BLOCK_BYTES + requests * REQUEST_BYTES;
  if (factsAt + factsBytes !== sumAt) return 'parts that do not fill it';
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const rootAt = (block: number): number => HEADER_BYTES + block * BLOCK_BYTES + 12;
  return {
    leaves,
    epoch: readU32(bytes, 24),
    lastTimeHigh: readU32(bytes, LAST_TIME_AT),
    lastTimeLow: readU32(bytes, LAST_TIME_AT + 4),
    lastMac: text.toString('latin1', LAST_MAC_AT, LAST_MAC_AT + LEAF_MAC_BYTES),
    blockRoots: Array.from({ length: blocks }, (_, block) => text.toString('latin1', rootAt(block), rootAt(block) + HASH_BYTES)),
    rotations: readRotations(bytes.subarray(factsAt, sumAt)),
  };
}

/** Facts that cannot be read state no rotation: then MACs after one are not checked, and that is said. */
function readRotations(facts: Uint8Array): Rotation[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(fromUtf8(facts));
  } catch {
    return [];
  }
  if (typeof parsed !== 'object' || parsed === null || !('lineages' in parsed) || !Array.isArray(parsed.lineages)) return [];
  return parsed.lineages.slice(0, ROTATIONS_MAX).flatMap((lineage: unknown): Rotation[] => {
    if (typeof lineage !== 'object' || lineage === null || !('firstEpoch' in lineage) || !('commitment' in lineage)) return [];
    const { firstEpoch, commitment } = lineage;
    const isRight = typeof firstEpoch === 'number' && Number.isSafeInteger(firstEpoch) && typeof commitment === 'string';
    return isRight ? [{ firstEpoch, keyCommitment: commitment }] : [];
  });
}

/** Name of the index file of the segment that begins with leaf `first`. */
export function indexName(first: number): string {
  return `${String(first).padStart(20, '0')}.idx`;
}
