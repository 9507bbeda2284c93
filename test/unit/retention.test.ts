import { describe, expect, it } from 'vitest';
import { planPruning, Retention, type ArchiveState, type RetentionPolicy } from '../../src/ledger/retention.ts';
import type { SegmentsHere } from '../../src/ledger/sealed-segments.ts';

const DAY_NS = 86_400_000_000_000n;
const NOW_NS = 1000n * DAY_NS;

/** Full segments of 100 leaves and 10 bytes behind a first one, each a day younger than the one before, the last three days old. */
function here(count: number): SegmentsHere {
  const sealed = Array.from({ length: count }, (_, i) => ({
    first: 100 * (i + 1),
    end: 100 * (i + 2),
    bytes: 10,
    youngestNs: NOW_NS - BigInt(count + 2 - i) * DAY_NS,
  }));
  return { sealed, bytes: 10 * count + 15 };
}

const archived = (size: number | undefined): ArchiveState => ({ location: 'there', size, holds: async () => true });

describe('what retention removes', () => {
  it.each<readonly [string, RetentionPolicy, ArchiveState | undefined, number | undefined]>([
    ['nothing when it is off', { kind: 'off' }, undefined, undefined],
    ['segments whose youngest entry is too old', { kind: 'age', days: 5 }, undefined, 300],
    ['nothing while all are young enough', { kind: 'age', days: 7 }, undefined, undefined],
    ['all full segments when all are too old', { kind: 'age', days: 1 }, undefined, 600],
    ['the oldest until the rest fits', { kind: 'bytes', bytesMax: 40 }, undefined, 400],
    ['nothing that fits', { kind: 'bytes', bytesMax: 65 }, undefined, undefined],
    ['all but the first and the one that takes leaves, when these alone are too large', { kind: 'bytes', bytesMax: 1 }, undefined, 600],
    ['only what is archived', { kind: 'age', days: 1 }, archived(400), 400],
    ['no segment that is archived in part', { kind: 'age', days: 1 }, archived(399), 300],
    ['nothing while the archive is unknown', { kind: 'age', days: 1 }, archived(undefined), undefined],
  ])('%s', (_what, policy, archive, before) => {
    expect(planPruning(policy, here(5), archive, NOW_NS)).toBe(before);
  });

  it('is a bounded number of segments at once', () => {
    expect(planPruning({ kind: 'bytes', bytesMax: 1 }, here(200), undefined, NOW_NS)).toBe(65 * 100);
  });
});

describe('retention', () => {
  const policy = { kind: 'age', days: 1 } as const;

  it('goes on until nothing is due, and names the archive', async () => {
    let left = here(130).sealed;
    const calls: [number, string][] = [];
    const ledger = {
      segments: () => ({ sealed: left, bytes: 0 }),
      prune: async (before: number, archive: string) => {
        calls.push([before, archive]);
        left = left.filter(({ first }) => first >= before);
      },
    };
    const pruned: number[] = [];
    const events = { pruned: (before: number) => void pruned.push(before), failed: () => expect.unreachable() };
    const retention = new Retention(policy, ledger, archived(1e9), () => NOW_NS, events);
    retention.notify();
    await retention.stop();
    // Stopped while it looked into the archive.
    expect(calls).toEqual([]);
    const again = new Retention(policy, ledger, archived(1e9), () => NOW_NS, events);
    await expect.poll(() => calls.length).toBe(3);
    await again.stop();
    expect(calls).toEqual([6500, 12_900, 13_100].map((before) => [before, 'there']));
    expect(pruned).toEqual([6500, 12_900, 13_100]);
  });

  it('tells of a failure and tries again when asked', async () => {
    let attempts = 0;
    const ledger = {
      segments: () => here(1),
      prune: async () => {
        attempts++;
        throw new Error('no');
      },
    };
    const failed: unknown[] = [];
    const retention = new Retention(policy, ledger, undefined, () => NOW_NS, {
      pruned: () => expect.unreachable(),
      failed: (error) => failed.push(error),
    });
    await new Promise((resolve) => setImmediate(resolve));
    retention.notify();
    await retention.stop();
    expect([attempts, failed.length]).toEqual([2, 2]);
  });

  it('removes no more than the archive gives back, and says so', async () => {
    const calls: number[] = [];
    const ledger = { segments: () => here(5), prune: async (before: number) => void calls.push(before) };
    const failed: unknown[] = [];
    const archive = { ...archived(1e9), holds: async (first: number) => first < 300 };
    const events = { pruned: () => undefined, failed: (error: unknown) => void failed.push(error) };
    const retention = new Retention(policy, ledger, archive, () => NOW_NS, events);
    await expect.poll(() => calls).toEqual([300]);
    // The archive gets its time to be made whole.
    retention.notify();
    await retention.stop();
    expect([calls, failed.map(String)]).toEqual([[300], [expect.stringContaining('300 to 399')]]);
  });

  it('is stopped while an archive hangs', async () => {
    const ledger = { segments: () => here(5), prune: () => expect.unreachable() };
    const archive = { ...archived(1e9), holds: () => new Promise<boolean>(() => undefined) };
    const events = { pruned: () => expect.unreachable(), failed: () => expect.unreachable() };
    await new Retention(policy, ledger, archive, () => NOW_NS, events).stop();
  });
});
