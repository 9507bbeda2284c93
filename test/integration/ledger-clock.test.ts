import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LEAF_TYPES, type Leaf } from '../../src/kernel/leaf.ts';
import { epochFaults, leavesOf } from '../support/epoch-oracle.ts';
import { readRootKey } from '../../src/ledger/key-files.ts';
import { ledgerPaths } from '../../src/ledger/paths.ts';
import { tempDir } from '../support/temp-dir.ts';
import { startWriter, type WriterInHand } from '../support/writer-in-hand.ts';

const MS = 1_000_000n;
const MINUTE = 60_000n * MS;
const START_NS = 29_000_000n * MINUTE + 5_000n * MS;

let dir: ReturnType<typeof tempDir>;
let writer: WriterInHand;
let clocks: { wall: bigint; monotonic: bigint };

beforeEach(() => {
  dir = tempDir();
  clocks = { wall: START_NS, monotonic: 77n };
});
afterEach(() => dir[Symbol.dispose]());

async function start(sealLimits = {}): Promise<void> {
  writer = await startWriter(dir.path, { wall: () => clocks.wall, monotonic: () => clocks.monotonic, sealLimits });
}

/** Time goes by, with a look at the clocks every 100 ms as the writer's thread takes them. */
async function pass(ms: number): Promise<void> {
  for (let done = 0; done < ms; done += 100) {
    clocks = { wall: clocks.wall + 100n * MS, monotonic: clocks.monotonic + 100n * MS };
    writer.writer.tick();
    await settled();
  }
}

async function settled(): Promise<void> {
  const before = leavesOf(dir.path).length;
  await writer.append([{ message: 'a leaf to wait for' }]);
  expect(leavesOf(dir.path).length).toBeGreaterThan(before);
}

const typesOf = (leaves: readonly Leaf[]): number[] => leaves.map((leaf) => leaf.type);
const payload = (leaf: Leaf | undefined): unknown => JSON.parse(Buffer.from(leaf?.payload ?? []).toString('utf8'));
const rootKey = (): Buffer => readRootKey(ledgerPaths(dir.path).verificationKey);

describe('a clock that is set', () => {
  it.each([
    [5000n, 5000],
    [-3_600_000n, -3_600_000],
    [2000n, 2000],
  ])('by %i ms is recorded with how far it moved', async (moveMs, stepMs) => {
    await start();
    writer.writer.tick();
    clocks.wall += moveMs * MS;
    writer.writer.tick();
    await settled();
    await writer.close();
    const steps = leavesOf(dir.path).filter((leaf) => leaf.type === LEAF_TYPES.clockStep);
    expect(steps.map(payload)).toEqual([{ monotonicNs: '77', stepMs, wallNs: String(START_NS + moveMs * MS) }]);
    const times = leavesOf(dir.path).map((leaf) => leaf.timeNs);
    expect(times.every((timeNs, i) => i === 0 || timeNs >= times[i - 1])).toBe(true);
  });

  it('is not seen in drift, however far that adds up, nor while both clocks stand still and go on', async () => {
    await start();
    for (let look = 0; look < 100; look++) {
      clocks = { wall: clocks.wall + 1999n * MS, monotonic: clocks.monotonic + 100n * MS };
      writer.writer.tick();
    }
    clocks = { wall: clocks.wall + 3_600_000n * MS, monotonic: clocks.monotonic + 3_600_000n * MS };
    writer.writer.tick();
    await writer.close();
    expect(typesOf(leavesOf(dir.path))).not.toContain(LEAF_TYPES.clockStep);
  });
});

describe('an epoch', () => {
  it('is sealed a second after its first leaf, not before, and again while leaves go on coming', async () => {
    await start({ afterMs: 1000 });
    await settled();
    await pass(900);
    expect(typesOf(leavesOf(dir.path))).not.toContain(LEAF_TYPES.epochSeal);
    await pass(5100);
    const seals = leavesOf(dir.path).filter((leaf) => leaf.type === LEAF_TYPES.epochSeal);
    // The look and the leaf that fall behind it cost up to 100 ms each time.
    expect(seals.length).toBeGreaterThanOrEqual(5);
    expect(seals.length).toBeLessThanOrEqual(6);
    await writer.close();
    expect(epochFaults(dir.path, [rootKey()])).toEqual([]);
  });

  it('without a leaf is sealed after the idle time, and one with a minute summary alone likewise', async () => {
    await start({ afterMs: 1000, idleMs: 900_000 });
    const expectAfter = async (ms: bigint, seals: number, summaries: number): Promise<void> => {
      clocks = { wall: clocks.wall + ms * MS, monotonic: clocks.monotonic + ms * MS };
      writer.writer.tick();
      const count = (type: number): number => typesOf(leavesOf(dir.path)).filter((each) => each === type).length;
      await expect.poll(() => [count(LEAF_TYPES.epochSeal), count(LEAF_TYPES.minuteSummary)]).toEqual([seals, summaries]);
    };
    // Epoch 0 holds the genesis leaf.
    await expectAfter(0n, 0, 0);
    await expectAfter(1000n, 1, 0);
    await expectAfter(60_000n, 1, 1);
    await expectAfter(839_000n, 1, 1);
    await expectAfter(1_000n, 2, 1);
    await expectAfter(899_000n, 2, 2);
    await expectAfter(1_000n, 3, 2);
    await writer.close();
    expect(epochFaults(dir.path, [rootKey()])).toEqual([]);
  });

  it('ends with the request that fills it, never inside one', async () => {
    await start({ leavesMax: 10 });
    const batch = Array.from({ length: 7 }, (_, i) => ({ message: `m${i}` }));
    await Promise.all(Array.from({ length: 20 }, () => writer.append(batch)));
    await writer.close();
    const leaves = leavesOf(dir.path);
    expect(epochFaults(dir.path, [rootKey()])).toEqual([]);
    const counts = leaves.filter((leaf) => leaf.type === LEAF_TYPES.epochSeal).map((leaf) => (payload(leaf) as { count: number }).count);
    // Genesis and two requests are 15; while a key is on its way the next epoch waits for it.
    expect(counts[0]).toBe(15);
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(141);
    for (const count of counts.slice(1, -1)) expect(count % 7).toBe(0);
  });

  it('holds nothing after a clean stop that adds nothing: then there is no second final seal', async () => {
    await start();
    await settled();
    await writer.close();
    const before = leavesOf(dir.path).length;
    await start();
    await writer.close();
    expect(leavesOf(dir.path)).toHaveLength(before);
    expect(payload(leavesOf(dir.path).at(-1))).toMatchObject({ final: true });
  });
});
