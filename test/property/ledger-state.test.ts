import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chainMac, GENESIS_PREVIOUS_MAC } from '../../src/kernel/chain.ts';
import { leafHash } from '../../src/kernel/hashes.ts';
import { FLAG_LAST_OF_REQUEST, FRAME_PREFIX_BYTES, LeafFormatError, parseLeaf } from '../../src/kernel/leaf.ts';
import { LEVELS } from '../../src/kernel/levels.ts';
import { subtreeRoot } from '../../src/kernel/merkle.ts';
import { nodeHashes } from '../../src/kernel/node-hashes.ts';
import { EpochKeys } from '../../src/ledger/epoch-keys.ts';
import { firstEpochState } from '../../src/ledger/epoch-state.ts';
import { LedgerState } from '../../src/ledger/ledger-state.ts';
import { parseFrames } from '../../src/ledger/read-block.ts';
import { batchOf } from '../support/batch-of.ts';
import { testSeed } from '../support/seed.ts';

const seed = testSeed();
const KEY = Buffer.alloc(32, 0x11);
const LEDGER_ID = Buffer.alloc(16, 0x22);

const event = fc.record(
  {
    message: fc.string({ maxLength: 200 }),
    level: fc.constantFrom(...LEVELS.slice(1)),
    tenant: fc.option(fc.constantFrom('a', 'b', 'c'), { nil: undefined }),
  },
  { requiredKeys: ['message'] },
);
const request = fc.record({
  events: fc.array(event, { minLength: 1, maxLength: 12 }),
  isTagged: fc.boolean(),
  stepNs: fc.bigInt({ min: -5_000_000_000n, max: 50_000_000_000n }),
});

const identity = { ledgerId: LEDGER_ID, origin: 'test.example/log', verifierKey: '' };
const keys = new EpochKeys(0, KEY, Buffer.alloc(32, 0x33));
const secrets = { identity, loaded: keys, rotated: undefined };

function newState(): LedgerState {
  return new LedgerState(identity, firstEpochState(keys, true));
}

/** Why a frame is not taken over: it is no leaf at all, or not the next one. */
function refusal(adopt: () => string | undefined): string | undefined {
  try {
    return adopt();
  } catch (error) {
    if (error instanceof LeafFormatError) return error.message;
    throw error;
  }
}

type Request = typeof request extends fc.Arbitrary<infer T> ? T : never;

/** Stages each request as a group of its own; answers all bytes. */
function stageAll(state: LedgerState, requests: readonly Request[]): Buffer {
  let nowNs = 1_700_000_000_000_000_000n;
  const groups = requests.map((each) => {
    nowNs += each.stepNs;
    state.begin(nowNs);
    state.stageRequest({
      events: batchOf(each.events as Parameters<typeof batchOf>[0]),
      requestTag: each.isTagged ? Buffer.alloc(64, 7) : undefined,
    });
    return Buffer.from(state.staged().group);
  });
  return Buffer.concat(groups);
}

/** The frames of a run of bytes, each `u16 length ‖ leaf`. */
function framesOf(bytes: Buffer): Buffer[] {
  return parseFrames(bytes).map((leaf) => {
    const at = leaf.bytes.byteOffset - bytes.byteOffset;
    return bytes.subarray(at - FRAME_PREFIX_BYTES, at + leaf.bytes.length);
  });
}

describe('staging', () => {
  it('writes the MACs, hashes and tree of the reference formulas, with times that never go back', () => {
    fc.assert(
      fc.property(fc.array(request, { minLength: 1, maxLength: 40 }), (requests) => {
        const state = newState();
        const leaves = parseFrames(stageAll(state, requests));
        let previous: Uint8Array = GENESIS_PREVIOUS_MAC;
        let timeNs = 0n;
        leaves.forEach((leaf, index) => {
          expect(leaf.seq).toBe(index);
          expect(leaf.timeNs >= timeNs).toBe(true);
          expect(Buffer.from(leaf.mac)).toEqual(Buffer.from(chainMac(nodeHashes, KEY, LEDGER_ID, previous, leaf.bytes)));
          previous = leaf.mac;
          timeNs = leaf.timeNs;
        });
        const hashes = leaves.map((leaf) => leafHash(nodeHashes, leaf.bytes));
        expect(Buffer.from(state.frontier.root())).toEqual(Buffer.from(subtreeRoot(nodeHashes, (i) => hashes[i], 0, hashes.length)));
        expect((leaves.at(-1)?.flags ?? 0) & FLAG_LAST_OF_REQUEST).toBe(FLAG_LAST_OF_REQUEST);
      }),
      { seed, numRuns: 60 },
    );
  });

  it('is taken over from the disk bit for bit, and a changed byte anywhere in a leaf is not', () => {
    fc.assert(
      fc.property(fc.array(request, { minLength: 1, maxLength: 10 }), fc.nat(), fc.integer({ min: 0, max: 7 }), (requests, place, bit) => {
        const written = newState();
        const bytes = stageAll(written, requests);
        const adopted = newState();
        const frames = framesOf(bytes);
        const target = place % frames.length;
        frames.forEach((frame, index) => {
          const leaf = parseLeaf(frame.subarray(FRAME_PREFIX_BYTES));
          if (index === target) {
            const damaged = Buffer.from(frame);
            damaged[FRAME_PREFIX_BYTES + (place % (frame.length - FRAME_PREFIX_BYTES))] ^= 1 << bit;
            const before = adopted.mark();
            expect(refusal(() => adopted.adoptFrame(damaged, parseLeaf(damaged.subarray(FRAME_PREFIX_BYTES)), secrets))).toBeTypeOf(
              'string',
            );
            expect(adopted.mark()).toEqual(before);
          }
          expect(adopted.adoptFrame(Buffer.from(frame), leaf, secrets)).toBeUndefined();
        });
        expect(adopted.frontier.root()).toEqual(written.frontier.root());
        expect(adopted.chain.mac()).toEqual(written.chain.mac());
        expect(adopted.end).toEqual(written.end);
      }),
      { seed, numRuns: 60 },
    );
  });

  it('goes back to a mark as if the group had never been', () => {
    fc.assert(
      fc.property(fc.array(request, { minLength: 1, maxLength: 8 }), fc.array(request, { minLength: 1, maxLength: 8 }), (kept, undone) => {
        const state = newState();
        stageAll(state, kept);
        state.delta.take();
        const mark = state.mark();
        const before = { root: state.frontier.root(), mac: state.chain.mac(), end: state.end, minutes: state.minutes.mark() };
        stageAll(state, undone);
        state.reset(mark);
        expect({ root: state.frontier.root(), mac: state.chain.mac(), end: state.end, minutes: state.minutes.mark() }).toEqual(before);
      }),
      { seed, numRuns: 60 },
    );
  });

  it('crosses seals: taken over from the keys of any epoch, and taken back over a seal to the keys before', () => {
    const moment = { wallNs: 1n, monotonicNs: 2n, bootId: 'boot', isFinal: false };
    const epochsOf = fc.array(fc.array(request, { maxLength: 4 }), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(epochsOf, fc.nat(), (epochs, pick) => {
        const written = newState();
        const lineage = [new EpochKeys(0, Buffer.from(KEY), Buffer.alloc(32, 0x33))];
        const groups: Buffer[] = [];
        const stage = (step: () => void): void => {
          written.begin(0n);
          step();
          groups.push(Buffer.from(written.staged().group));
        };
        stage(() => written.stageRequest({ events: batchOf([{ message: 'first' }]) }));
        for (const [epoch, requests] of epochs.entries()) {
          for (const each of requests) stage(() => written.stageRequest({ events: batchOf(each.events as Parameters<typeof batchOf>[0]) }));
          const next = lineage[epoch].next(LEDGER_ID);
          lineage.push(next);
          const before = written.mark();
          stage(() => written.stageSeal(next, moment));
          written.reset(before);
          expect(written.epochs.epoch).toBe(epoch);
          groups.pop();
          stage(() => written.stageSeal(next, moment));
        }
        stage(() => written.stageRequest({ events: batchOf([{ message: 'last' }]) }));
        const frames = framesOf(Buffer.concat(groups));
        const loaded = lineage[pick % lineage.length];
        const adopted = new LedgerState(identity, firstEpochState(loaded, true));
        for (const frame of frames) {
          const leaf = parseLeaf(Buffer.from(frame.subarray(FRAME_PREFIX_BYTES)));
          expect(adopted.adoptFrame(Buffer.from(frame), leaf, { identity, loaded, rotated: undefined })).toBeUndefined();
        }
        expect(adopted.frontier.root()).toEqual(written.frontier.root());
        expect(adopted.chain.mac()).toEqual(written.chain.mac());
        expect(adopted.epochs.mismatch).toBeUndefined();
        expect({ ...adopted.epochs, keys: adopted.epochs.keys.format() }).toEqual({
          ...written.epochs,
          keys: written.epochs.keys.format(),
        });
      }),
      { seed, numRuns: 40 },
    );
  });
});
