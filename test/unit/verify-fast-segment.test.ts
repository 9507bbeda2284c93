import { describe, expect, it } from 'vitest';
import { toHex } from '../../src/kernel/bytes.ts';
import { leafHash } from '../../src/kernel/hashes.ts';
import { leafTypeName, parseLeaf } from '../../src/kernel/leaf.ts';
import { LEVELS } from '../../src/kernel/levels.ts';
import { subtreeRoot } from '../../src/kernel/merkle.ts';
import { nodeHashes } from '../../src/kernel/node-hashes.ts';
import { FastSegment, type SegmentTask } from '../../src/verify/fast-segment.ts';
import type { EventRun, SegmentSummary } from '../../src/verify/segment-summary.ts';
import { flipBit } from '../support/flips.ts';
import type { RequestSpec } from '../support/ledger-builder.ts';
import { filled, joinFrames, makeLedger, START_NS, type MadeLedger } from '../support/make-ledger.ts';
import { SAMPLE_REQUESTS, SEALED_STEPS } from '../support/sample-ledger.ts';

const segment = new FastSegment();
const unsealed = makeLedger({ requests: SAMPLE_REQUESTS });
/** Up to its rotation: the key after one does not follow from the key before. */
const sealed = makeLedger({
  requests: SEALED_STEPS.slice(
    0,
    SEALED_STEPS.findIndex((step) => 'seal' in step && step.seal.rotateTo !== undefined),
  ),
  epochPolicy: 'seal/v1',
});

function taskOf(made: MadeLedger, options: Partial<SegmentTask> = {}): SegmentTask {
  const key = { ledgerId: made.ledgerId, epoch: 0, key: made.hmacKey };
  return { first: 0, isLast: true, key, previousMac: new Uint8Array(32), sizes: new Set(), ...options };
}

function check(content: Uint8Array, task: SegmentTask): SegmentSummary | undefined {
  segment.target.set(content);
  return segment.check(task, content.length);
}

const hashesOf = (leaves: readonly Uint8Array[]): string => leaves.map((leaf) => toHex(leafHash(nodeHashes, leaf))).join('');
const eventsOnly = ({ items }: SegmentSummary): EventRun[] => items.filter((item) => item.kind === 'events');

describe('a segment checked by itself', () => {
  it.each([
    ['that does not seal', unsealed],
    ['that seals', sealed],
  ])('is summed up as the leaves say, in a ledger %s', (_, made) => {
    for (const key of [taskOf(made).key, undefined]) {
      const summary = check(joinFrames(made.leaves), taskOf(made, { key }));
      if (summary === undefined) throw new Error('the sound segment was refused');
      const leaves = made.leaves.map((bytes) => parseLeaf(bytes));
      const events = leaves.filter(({ type }) => leafTypeName(type) === 'event');
      expect([summary.leaves, summary.bytes, toHex(summary.restHashes)]).toEqual([
        leaves.length,
        joinFrames(made.leaves).length,
        hashesOf(made.leaves),
      ]);
      expect(summary.chained).toEqual(key === undefined ? undefined : { epoch: 0, key: made.hmacKey, previousMac: new Uint8Array(32) });
      expect(eventsOnly(summary).reduce((sum, { count }) => sum + count, 0)).toBe(events.length);
      const records = leaves.filter(({ type }) => leafTypeName(type) !== 'event').map(({ bytes }) => bytes);
      expect(Buffer.from(summary.records).equals(Buffer.concat(records))).toBe(true);
      const levels = LEVELS.map(
        (level) => events.filter((leaf) => (JSON.parse(Buffer.from(leaf.payload).toString()).level ?? 'none') === level).length,
      );
      expect(LEVELS.map((_level, code) => eventsOnly(summary).reduce((sum, run) => sum + run.levels[code], 0))).toEqual(levels);
    }
  });

  it('has its blocks, and what was asked about sizes, as the tree says', () => {
    const requests = Array.from({ length: 300 }, (_, i): RequestSpec => ({
      timeNs: START_NS + BigInt(i) * 500_000_000n,
      leaves: [
        { payload: { level: 'info', message: `m${i}`, tenant: 't' } },
        { payload: { message: 'x'.repeat(i % 60), tenant: `t${i % 3}` } },
      ],
    }));
    const made = makeLedger({ requests });
    const count = made.leaves.length;
    const sizes = new Set([1, 2, 255, 256, 257, 512, count, count + 1]);
    const summary = check(joinFrames(made.leaves), taskOf(made, { sizes }));
    const hashes = made.leaves.map((leaf) => leafHash(nodeHashes, leaf));
    const root = (from: number, to: number): string => toHex(subtreeRoot(nodeHashes, (i) => hashes[i], from, to));
    expect(toHex(summary?.blockRoots ?? new Uint8Array(0))).toBe(root(0, 256) + root(256, 512));
    expect(toHex(summary?.restHashes ?? new Uint8Array(0))).toBe(hashesOf(made.leaves.slice(512)));
    const facts = summary?.sizes ?? [];
    expect(facts.map(({ size }) => size)).toEqual([1, 2, 255, 256, 257, 512, count]);
    for (const { size, endsRequest, mac, leafHashes } of facts) {
      const from = Math.floor((size - 1) / 256) * 256;
      expect(toHex(leafHashes)).toBe(hashesOf(made.leaves.slice(from, size)));
      expect([toHex(mac), endsRequest]).toEqual([
        toHex(made.leaves[size - 1].subarray(-32)),
        parseLeaf(made.leaves[size - 1]).flags % 2 === 1,
      ]);
    }
    expect(summary?.requestEnd).toEqual({ leaves: count, byte: joinFrames(made.leaves).length });
  });

  it('tells where the last whole request ends', () => {
    const last = unsealed.leaves.findIndex((leaf, i) => i > 0 && parseLeaf(leaf).flags % 2 === 0);
    const leaves = unsealed.leaves.slice(0, last + 1);
    expect(check(joinFrames(leaves), taskOf(unsealed))?.requestEnd).toEqual({
      leaves: last,
      byte: joinFrames(leaves.slice(0, last)).length,
    });
  });

  it('is not accepted with any one bit changed: with the key it is refused, without it some hash is another', () => {
    for (const made of [unsealed, sealed]) {
      const content = joinFrames(made.leaves);
      const intact = hashesOf(made.leaves);
      for (let bit = 0; bit < content.length * 8; bit++) {
        const changed = flipBit(content, bit);
        expect(check(changed, taskOf(made)), `bit ${bit}`).toBe(undefined);
        const summary = check(changed, taskOf(made, { key: undefined }));
        if (summary !== undefined) expect(toHex(summary.restHashes), `bit ${bit}`).not.toBe(intact);
      }
    }
  });

  it.each<[string, Partial<SegmentTask>]>([
    ['another MAC before it', { previousMac: filled(32, 1) }],
    ['another key', { key: { ledgerId: unsealed.ledgerId, epoch: 0, key: filled(32, 0x12) } }],
    ['another ledger id', { key: { ledgerId: filled(16, 0x34), epoch: 0, key: unsealed.hmacKey } }],
    ['the key of another epoch', { key: { ledgerId: unsealed.ledgerId, epoch: 1, key: unsealed.hmacKey } }],
    ['another place', { first: 256 }],
    ['a place where no segment begins', { first: 1 }],
    ['a segment after it although it is not full', { isLast: false }],
  ])('is refused with %s', (_, options) => {
    expect(check(joinFrames(unsealed.leaves), taskOf(unsealed))?.leaves).toBe(unsealed.leaves.length);
    expect(check(joinFrames(unsealed.leaves), taskOf(unsealed, options))).toBe(undefined);
  });

  it('is refused when it is empty, cut inside a leaf, or holds a leaf without a MAC', () => {
    const content = joinFrames(unsealed.leaves);
    expect(check(new Uint8Array(0), taskOf(unsealed))).toBe(undefined);
    expect(check(content.subarray(0, -1), taskOf(unsealed))).toBe(undefined);
    const bare = unsealed.leaves.map((leaf, i) => (i === 3 ? Buffer.concat([leaf.subarray(0, -32), new Uint8Array(32)]) : leaf));
    expect(check(joinFrames(bare), taskOf(unsealed, { key: undefined }))).toBe(undefined);
  });

  it('is left to the careful walk with a key when its lineage of keys changes in it', () => {
    const rotated = makeLedger({ requests: SEALED_STEPS, epochPolicy: 'seal/v1' });
    expect(check(joinFrames(rotated.leaves), taskOf(rotated))).toBe(undefined);
    expect(check(joinFrames(rotated.leaves), taskOf(rotated, { key: undefined }))?.leaves).toBe(rotated.leaves.length);
  });
});
