import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LEVELS } from '../../src/kernel/levels.ts';
import { nodeHashes } from '../../src/kernel/node-hashes.ts';
import {
  encodeSegmentIndex,
  parseSegmentIndex,
  SEGMENT_INDEX_BYTES_MAX,
  SegmentIndexFormatError,
  segmentIndexName,
  type SegmentIndex,
} from '../../src/ledger/segment-index.ts';
import { filled } from '../support/make-ledger.ts';
import { testSeed } from '../support/seed.ts';

const LEAVES = 65_536;

const digest = fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => Buffer.from(bytes).toString('latin1'));

const hash = fc.uint8Array({ minLength: 32, maxLength: 32 });

const minute = fc
  .record({
    minute: fc.nat(),
    firstSeq: fc.nat({ max: 1000 }),
    leaves: fc.integer({ min: 1, max: 1000 }),
    levels: fc.array(fc.nat(), { minLength: LEVELS.length, maxLength: LEVELS.length }),
    tenants: fc.uniqueArray(fc.string({ minLength: 1 }), { maxLength: 64 }).map((names) => new Map(names.map((name, i) => [name, i + 1]))),
    tenantsOther: fc.nat(),
  })
  .map((counts) => ({ ...counts, lastSeq: counts.firstSeq + counts.leaves - 1 }));

/** A full segment of 65,536 leaves, each block of 256 with an offset, a time and a root. */
const segmentIndex: fc.Arbitrary<SegmentIndex> = fc
  .record({
    segment: fc.nat({ max: 1000 }),
    blockBytes: fc.integer({ min: 256 * 58, max: 100_000 }),
    startNs: fc.bigInt({ min: 0n, max: 1n << 60n }),
    stepNs: fc.bigInt({ min: 0n, max: 1n << 40n }),
    epoch: fc.nat({ max: 0xffff_0000 }),
    isActive: fc.boolean(),
    isAfterFinalSeal: fc.boolean(),
    isSealing: fc.boolean(),
    rotation: fc.option(hash, { nil: undefined }),
    lineages: fc.array(hash, { maxLength: 3 }),
    root: hash,
    digests: fc.array(fc.tuple(digest, digest), { maxLength: 40 }),
    minute: fc.option(minute, { nil: undefined }),
    prunedSeq: fc.option(fc.nat({ max: LEAVES - 1 }), { nil: undefined }),
    recoveries: fc.array(
      hash.map((bytes) => Buffer.from(bytes).toString('hex')),
      { maxLength: 5 },
    ),
  })
  .map(({ segment, blockBytes, startNs, stepNs, epoch, root, digests, minute: counts, prunedSeq, recoveries, ...rest }) => {
    const { isActive, isAfterFinalSeal, isSealing, rotation, lineages } = rest;
    const first = segment * LEAVES;
    const lastTimeNs = startNs + 255n * stepNs;
    return {
      first,
      leaves: LEAVES,
      bytes: blockBytes * 256,
      epochs: {
        epoch: lineages.length + epoch,
        firstSeq: first + LEAVES,
        openedNs: lastTimeNs,
        isActive,
        isAfterFinalSeal,
        isSealing,
        rotation,
        lineages: [{ firstEpoch: 0, commitment: undefined }, ...lineages.map((commitment, i) => ({ firstEpoch: i + 1, commitment }))],
      },
      lastTimeNs,
      lastMac: root,
      blocks: Array.from({ length: 256 }, (_, i) => ({ offset: i * blockBytes, timeNs: startNs + BigInt(i) * stepNs, root })),
      requests: digests.map(([keyDigest, bodyDigest], i) => ({ keyDigest, bodyDigest, first: first + i * 3, last: first + i * 3 + 2 })),
      facts: { minute: counts, prunedSeq, recoveries },
    };
  });

const plain = (index: SegmentIndex): unknown => JSON.parse(JSON.stringify(index, replaced));

function replaced(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return `${value}n`;
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  return value instanceof Map ? [...value].toSorted(([a], [b]) => (a < b ? -1 : 1)) : value;
}

const [sampled] = fc.sample(segmentIndex, { seed: 7, numRuns: 1 });
/** The second segment of a ledger, without requests. */
const SAMPLE: SegmentIndex = { ...sampled, first: LEAVES, epochs: { ...sampled.epochs, firstSeq: 2 * LEAVES }, requests: [] };

/** Bytes with the checksum that belongs to them: what somebody who knows the format would write. */
function resealed(bytes: Uint8Array): Uint8Array {
  const body = bytes.subarray(0, -32);
  return Buffer.concat([body, nodeHashes.sha256(body)]);
}

describe('segment index', () => {
  it('reads back what was written, whatever the segment held', () => {
    fc.assert(
      fc.property(segmentIndex, (index) => {
        const bytes = encodeSegmentIndex(nodeHashes, index);
        expect(bytes.length).toBeLessThan(SEGMENT_INDEX_BYTES_MAX);
        expect(plain(parseSegmentIndex(nodeHashes, bytes))).toEqual(plain(index));
      }),
      { seed: testSeed(), numRuns: 40 },
    );
  });

  it('is named by the first leaf of its segment, as the segment is', () => {
    expect(segmentIndexName(65_536)).toBe('00000000000000065536.idx');
  });

  it('refuses every single flipped bit', () => {
    const bytes = encodeSegmentIndex(nodeHashes, SAMPLE);
    const accepted: number[] = [];
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      bytes[bit >>> 3] ^= 1 << (bit & 7);
      if (isAccepted(bytes)) accepted.push(bit);
      bytes[bit >>> 3] ^= 1 << (bit & 7);
    }
    expect(accepted).toEqual([]);
  });

  it('refuses every truncation and anything behind its end', () => {
    const bytes = encodeSegmentIndex(nodeHashes, SAMPLE);
    for (let length = 0; length < bytes.length; length += 97) expect(isAccepted(bytes.subarray(0, length))).toBe(false);
    expect(isAccepted(Buffer.concat([bytes, filled(1, 0)]))).toBe(false);
    expect(isAccepted(filled(SEGMENT_INDEX_BYTES_MAX + 1, 0))).toBe(false);
  });

  it('accepts the sample that the refused ones are made from', () => {
    expect(isAccepted(resealed(encodeSegmentIndex(nodeHashes, SAMPLE)))).toBe(true);
  });

  it.each([
    ['leaves that are no whole blocks', 16, 1],
    ['a segment that is not full', 16, 0x0000_ff00],
    ['another number of blocks than of leaves', 84, 255],
    ['more requests than it has room for', 88, 0xffff_ffff],
    ['facts longer than the file', 92, 0xffff_ffff],
    ['blocks that do not begin at the start of the segment', 96, 1],
  ])('refuses %s, even under a right checksum', (_what, at, value) => {
    const bytes = Buffer.from(encodeSegmentIndex(nodeHashes, SAMPLE));
    bytes.writeUInt32BE(value, at);
    expect(isAccepted(resealed(bytes))).toBe(false);
  });

  it.each([
    ['times that go back', { blocks: SAMPLE.blocks.toReversed().map((block, i) => ({ ...block, offset: i * 20_000 })) }],
    ['an epoch that begins behind the segment', { epochs: { ...SAMPLE.epochs, firstSeq: 2 * LEAVES + 1 } }],
    ['an epoch opened after the last leaf', { epochs: { ...SAMPLE.epochs, openedNs: SAMPLE.lastTimeNs + 1n } }],
    ['a lineage of a later epoch', { epochs: { ...SAMPLE.epochs, lineages: [{ firstEpoch: 2 ** 32, commitment: SAMPLE.lastMac }] } }],
    ['a request that ends behind the segment', { requests: [{ ...request(1), last: 2 * LEAVES }] }],
    ['a request that ends before it', { requests: [{ ...request(1), first: 0, last: LEAVES - 1 }] }],
    ['requests that overlap', { requests: [request(3), request(4)] }],
    ['a pruning stated later', { facts: { ...SAMPLE.facts, prunedSeq: 2 * LEAVES } }],
  ])('refuses %s, even under a right checksum', (_what, change) => {
    expect(isAccepted(encodeSegmentIndex(nodeHashes, { ...SAMPLE, ...change }))).toBe(false);
  });
});

function request(at: number): SegmentIndex['requests'][number] {
  return { keyDigest: 'k'.repeat(16), bodyDigest: 'b'.repeat(16), first: LEAVES + at, last: LEAVES + at + 2 };
}

function isAccepted(bytes: Uint8Array): boolean {
  try {
    parseSegmentIndex(nodeHashes, bytes);
    return true;
  } catch (error) {
    if (error instanceof SegmentIndexFormatError) return false;
    throw error;
  }
}
