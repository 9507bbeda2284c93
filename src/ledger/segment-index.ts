import { canonicalJson, type Json } from '../kernel/canonical-json.ts';
import {
  concat,
  equalBytes,
  fromHex,
  fromUtf8,
  readU32,
  readU64,
  readU64BigInt,
  toHex,
  utf8,
  writeU32,
  writeU64,
  writeU64BigInt,
} from '../kernel/bytes.ts';
import { HASH_BYTES, type Hashes } from '../kernel/hashes.ts';
import { LEAF_BYTES_MAX, LEAF_MAC_BYTES, SEGMENT_BYTES_TARGET, SEGMENT_LEAVES_MAX, segmentIsFull, TILE_WIDTH } from '../kernel/leaf.ts';
import type { EpochFacts, Lineage } from './epoch-facts.ts';
import { parseMinuteCounts, summaryPayload, type MinuteMark } from './minute-counter.ts';
import type { RememberedRequest } from './request-log.ts';

/**
 * `index/<first>.idx` of docs/formats/ledger.md: what a start and a reader need of a full segment, so that nobody has to read the
 * segment for it. A cache: the checksum finds accidents, and whoever uses a value checks it against what was signed.
 */
export interface SegmentIndex {
  readonly first: number;
  readonly leaves: number;
  readonly bytes: number;
  /** The epoch that runs after the segment. */
  readonly epochs: EpochFacts;
  readonly lastTimeNs: bigint;
  readonly lastMac: Uint8Array;
  readonly blocks: readonly SegmentBlock[];
  /** Keyed requests that end in this segment, oldest first. */
  readonly requests: readonly RememberedRequest[];
  readonly facts: SegmentFacts;
}

export interface SegmentBlock {
  /** Byte offset of its first frame. */
  readonly offset: number;
  /** Server time of its first leaf. */
  readonly timeNs: bigint;
  /** Root of its 256 leaves. */
  readonly root: Uint8Array;
}

export interface SegmentFacts {
  /** Counts of the minute that runs after the segment. */
  readonly minute: MinuteMark;
  /** The last config leaf up to the segment's end that states a pruning. */
  readonly prunedSeq: number | undefined;
  /** Hex SHA-256 of quarantined pieces that recovery leaves in this segment speak of. */
  readonly recoveries: readonly string[];
}

/** Why bytes are not a segment index, in words. */
export class SegmentIndexFormatError extends Error {}

const MAGIC = utf8('PIPSIDX1');
const HEADER_BYTES = 96;
const LAST_MAC_AT = 52;
const BLOCK_BYTES = 12 + HASH_BYTES;
const DIGEST_BYTES = 16;
const REQUEST_BYTES = 16 + 2 * DIGEST_BYTES;
/** A start repairs a handful of things at most; what is older than the last thousand of one segment is not asked for again. */
const RECOVERIES_MAX = 1024;
/** 64 tenants of 128 characters, each up to six bytes long in JSON, the recoveries, and room for ten thousand rotations. */
const FACTS_BYTES_MAX = 1024 * 1024;
/** A segment stops at the first multiple of 256 leaves past its target. */
const SEGMENT_BYTES_MAX = SEGMENT_BYTES_TARGET + TILE_WIDTH * (LEAF_BYTES_MAX + 2);

export const SEGMENT_INDEX_BYTES_MAX =
  HEADER_BYTES + (SEGMENT_LEAVES_MAX / TILE_WIDTH) * BLOCK_BYTES + SEGMENT_LEAVES_MAX * REQUEST_BYTES + FACTS_BYTES_MAX + HASH_BYTES;

export function segmentIndexName(first: number): string {
  return `${String(first).padStart(20, '0')}.idx`;
}

export function encodeSegmentIndex(hashes: Hashes, index: SegmentIndex): Uint8Array {
  const { blocks, requests } = index;
  const facts = utf8(canonicalJson(factsJson(index)));
  const bytes = new Uint8Array(HEADER_BYTES + blocks.length * BLOCK_BYTES + requests.length * REQUEST_BYTES);
  bytes.set(MAGIC, 0);
  writeU64(bytes, 8, index.first);
  writeU32(bytes, 16, index.leaves);
  writeU32(bytes, 20, index.bytes);
  writeU32(bytes, 24, index.epochs.epoch);
  writeU64(bytes, 28, index.epochs.firstSeq);
  writeU64BigInt(bytes, 36, index.epochs.openedNs);
  writeU64BigInt(bytes, 44, index.lastTimeNs);
  bytes.set(index.lastMac, LAST_MAC_AT);
  writeU32(bytes, 84, blocks.length);
  writeU32(bytes, 88, requests.length);
  writeU32(bytes, 92, facts.length);
  let at = HEADER_BYTES;
  for (const block of blocks) {
    writeU32(bytes, at, block.offset);
    writeU64BigInt(bytes, at + 4, block.timeNs);
    bytes.set(block.root, at + 12);
    at += BLOCK_BYTES;
  }
  for (const request of requests) {
    writeU64(bytes, at, request.first);
    writeU64(bytes, at + 8, request.last);
    bytes.set(Buffer.from(request.keyDigest + request.bodyDigest, 'latin1'), at + 16);
    at += REQUEST_BYTES;
  }
  return concat(bytes, facts, hashes.sha256(bytes, facts));
}

/** Bytes → index, or throws SegmentIndexFormatError. What it states is still to be checked against the segment and the signed root. */
export function parseSegmentIndex(hashes: Hashes, bytes: Uint8Array): SegmentIndex {
  const sumAt = bytes.length - HASH_BYTES;
  if (sumAt < HEADER_BYTES || bytes.length > SEGMENT_INDEX_BYTES_MAX) fail(`${bytes.length} bytes are no index`);
  if (!equalBytes(bytes.subarray(0, MAGIC.length), MAGIC)) fail('it does not begin as an index does');
  if (!equalBytes(hashes.sha256(bytes.subarray(0, sumAt)), bytes.subarray(sumAt))) fail('its checksum is wrong');
  const first = numberAt(bytes, 8);
  const leaves = readU32(bytes, 16);
  const segmentBytes = readU32(bytes, 20);
  const blockCount = readU32(bytes, 84);
  const requestCount = readU32(bytes, 88);
  const factsAt = HEADER_BYTES + blockCount * BLOCK_BYTES + requestCount * REQUEST_BYTES;
  if (factsAt + readU32(bytes, 92) !== sumAt) fail('its parts do not fill it');
  if (first % TILE_WIDTH !== 0 || leaves === 0 || leaves % TILE_WIDTH !== 0 || blockCount !== leaves / TILE_WIDTH) {
    fail(`${leaves} leaves from ${first} on are not whole blocks`);
  }
  if (!segmentIsFull(leaves, segmentBytes) || leaves > SEGMENT_LEAVES_MAX || segmentBytes > SEGMENT_BYTES_MAX) {
    fail(`${leaves} leaves in ${segmentBytes} bytes are no full segment`);
  }
  const lastTimeNs = readU64BigInt(bytes, 44);
  const json = parseJson(bytes.subarray(factsAt, sumAt));
  const opened = { epoch: readU32(bytes, 24), firstSeq: numberAt(bytes, 28), openedNs: readU64BigInt(bytes, 36) };
  if (opened.firstSeq > first + leaves || opened.openedNs > lastTimeNs) fail('its epoch begins after its end');
  return {
    first,
    leaves,
    bytes: segmentBytes,
    epochs: { ...opened, ...parseEpochs(json, opened.epoch) },
    lastTimeNs,
    lastMac: bytes.slice(LAST_MAC_AT, LAST_MAC_AT + LEAF_MAC_BYTES),
    blocks: parseBlocks(bytes, blockCount, segmentBytes, lastTimeNs),
    requests: parseRequests(bytes, HEADER_BYTES + blockCount * BLOCK_BYTES, requestCount, first, first + leaves),
    facts: parseFacts(json, first + leaves),
  };
}

function parseBlocks(bytes: Uint8Array, count: number, segmentBytes: number, lastTimeNs: bigint): SegmentBlock[] {
  const blocks: SegmentBlock[] = [];
  let previous: SegmentBlock | undefined;
  for (let at = HEADER_BYTES; blocks.length < count; at += BLOCK_BYTES) {
    const block = { offset: readU32(bytes, at), timeNs: readU64BigInt(bytes, at + 4), root: bytes.slice(at + 12, at + BLOCK_BYTES) };
    const isInOrder = previous === undefined ? block.offset === 0 : block.offset > previous.offset && block.timeNs >= previous.timeNs;
    if (!isInOrder || block.offset >= segmentBytes || block.timeNs > lastTimeNs) fail(`block ${blocks.length} is out of order`);
    blocks.push(block);
    previous = block;
  }
  return blocks;
}

function parseRequests(bytes: Uint8Array, from: number, count: number, segmentFirst: number, segmentEnd: number): RememberedRequest[] {
  const requests: RememberedRequest[] = [];
  const latin1 = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  let dueSeq = 0;
  let dueEnd = segmentFirst;
  for (let at = from; requests.length < count; at += REQUEST_BYTES) {
    const [first, last] = [numberAt(bytes, at), numberAt(bytes, at + 8)];
    if (first < dueSeq || last < first || last < dueEnd || last >= segmentEnd) fail(`request ${requests.length} is out of order`);
    requests.push({
      keyDigest: latin1.toString('latin1', at + 16, at + 16 + DIGEST_BYTES),
      bodyDigest: latin1.toString('latin1', at + 16 + DIGEST_BYTES, at + REQUEST_BYTES),
      first,
      last,
    });
    dueSeq = last + 1;
    dueEnd = last + 1;
  }
  return requests;
}

function factsJson({ epochs, facts }: SegmentIndex): Json {
  const lineages = epochs.lineages.flatMap(({ firstEpoch, commitment }) =>
    commitment === undefined ? [] : [{ commitment: toHex(commitment), firstEpoch }],
  );
  return {
    ...(epochs.isActive ? { active: true } : {}),
    ...(epochs.isAfterFinalSeal ? { final: true } : {}),
    ...(lineages.length === 0 ? {} : { lineages }),
    ...(facts.minute === undefined ? {} : { minute: summaryPayload(facts.minute) }),
    ...(facts.prunedSeq === undefined ? {} : { pruned: facts.prunedSeq }),
    ...(facts.recoveries.length === 0 ? {} : { recoveries: facts.recoveries.slice(-RECOVERIES_MAX) }),
    ...(epochs.rotation === undefined ? {} : { rotation: toHex(epochs.rotation) }),
    ...(epochs.isSealing ? { sealing: true } : {}),
  };
}

type FactsJson = Readonly<Record<string, unknown>>;

function parseJson(bytes: Uint8Array): FactsJson {
  try {
    const json: unknown = JSON.parse(fromUtf8(bytes));
    if (typeof json === 'object' && json !== null && !Array.isArray(json)) return json as FactsJson;
  } catch (error) {
    if (!(error instanceof SyntaxError || error instanceof TypeError)) throw error;
  }
  return fail('its facts are no object');
}

function parseEpochs(json: FactsJson, epoch: number): Omit<EpochFacts, 'epoch' | 'firstSeq' | 'openedNs'> {
  const { active, final, lineages = [], rotation, sealing } = json;
  if (!Array.isArray(lineages)) fail('its lineages are no list');
  const parsed: Lineage[] = [{ firstEpoch: 0, commitment: undefined }];
  for (const { commitment, firstEpoch } of lineages as { commitment?: unknown; firstEpoch?: unknown }[]) {
    const isLater = typeof firstEpoch === 'number' && firstEpoch > parsed[parsed.length - 1].firstEpoch && firstEpoch <= epoch;
    if (!isLater) fail('its lineages are out of order');
    parsed.push({ firstEpoch, commitment: hashOf(commitment) });
  }
  return {
    isActive: active === true,
    isAfterFinalSeal: final === true,
    isSealing: sealing === true,
    rotation: rotation === undefined ? undefined : hashOf(rotation),
    lineages: parsed,
  };
}

function parseFacts({ minute, pruned, recoveries = [] }: FactsJson, segmentEnd: number): SegmentFacts {
  const isSeq = typeof pruned === 'number' && Number.isSafeInteger(pruned) && pruned >= 0 && pruned < segmentEnd;
  if (pruned !== undefined && !isSeq) fail('its pruning is no leaf before its end');
  if (!Array.isArray(recoveries)) fail('its recoveries are no list');
  const counts = minute === undefined ? undefined : parseMinuteCounts(minute);
  if (minute !== undefined && (counts === undefined || counts.lastSeq >= segmentEnd)) fail('its minute cannot be read');
  return { minute: counts, prunedSeq: isSeq ? pruned : undefined, recoveries: recoveries.map((hash) => toHex(hashOf(hash))) };
}

function hashOf(value: unknown): Uint8Array {
  if (typeof value !== 'string' || !/^[0-9a-f]{64}$/.test(value)) fail('a hash in its facts is none');
  return fromHex(value) ?? fail('a hash in its facts is none');
}

function numberAt(bytes: Uint8Array, at: number): number {
  return readU64(bytes, at) ?? fail('a counter exceeds 2^53 - 1');
}

function fail(reason: string): never {
  throw new SegmentIndexFormatError(reason);
}
