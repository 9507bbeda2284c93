import { hash } from 'node:crypto';
import { cpSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { LEAF_TYPES } from '../../src/kernel/leaf.ts';
import type { CommitStep } from '../../src/ledger/committer.ts';
import { EpochKeys } from '../../src/ledger/epoch-keys.ts';
import { readEpochKeys, readRootKey } from '../../src/ledger/key-files.ts';
import { openOrCreate } from '../../src/ledger/open-or-create.ts';
import { ledgerPaths } from '../../src/ledger/paths.ts';
import { prepareRotation } from '../../src/ledger/rotate-keys.ts';
import { NO_JOURNAL } from '../../src/ledger/write-journal.ts';
import { epochFaults, leavesOf } from '../support/epoch-oracle.ts';
import { tempDir } from '../support/temp-dir.ts';
import { startWriter, type WriterInHand } from '../support/writer-in-hand.ts';

const START_NS = 1_767_323_045_000_000_000n;
const SECOND_NS = 1_000_000_000n;

class Killed extends Error {}

/** A clock that a test moves on; wall and monotonic are one. */
function handClock() {
  let nowNs = START_NS;
  return { wall: () => nowNs, pass: (ns: bigint) => void (nowNs += ns) };
}

const messagesOf = (dataDir: string): unknown[] =>
  leavesOf(dataDir)
    .filter((leaf) => leaf.type === LEAF_TYPES.event)
    .map((leaf) => (JSON.parse(Buffer.from(leaf.payload).toString('utf8')) as { message: unknown }).message);

/** Starts again in peace, appends one event, stops; then everything acknowledged is there once, and the epochs are as documented. */
async function expectRecovers(dataDir: string, acknowledged: readonly string[], rootKeys: readonly Uint8Array[]): Promise<string[]> {
  const clock = handClock();
  clock.pass(100n * SECOND_NS);
  const after = await startWriter(dataDir, { wall: clock.wall });
  await after.append([{ message: 'after' }]);
  await after.close();
  const messages = messagesOf(dataDir);
  expect(messages.filter((message) => acknowledged.includes(message as string))).toEqual(acknowledged);
  expect(messages.at(-1)).toBe('after');
  expect(epochFaults(dataDir, rootKeys)).toEqual([]);
  return readdirSync(join(dataDir, 'keys'));
}

/** Runs a writer over two sealed epochs and kills it at the n-th time it comes to the step; answers what it acknowledged. */
async function killAt(dataDir: string, step: CommitStep, nth: number): Promise<string[]> {
  const clock = handClock();
  let seen = 0;
  const onStep = (at: CommitStep): void => {
    if (at === step && ++seen === nth) throw new Killed(`${step} ${nth}`);
  };
  const writer = await startWriter(dataDir, { wall: clock.wall, sealLimits: { afterMs: 1000 }, onStep });
  const acknowledged: string[] = [];
  const append = async (message: string): Promise<void> => {
    await writer.append([{ message }]);
    acknowledged.push(message);
  };
  const work = async (): Promise<void> => {
    for (let epoch = 0; epoch < 2; epoch++) {
      await append(`in ${epoch}`);
      clock.pass(2n * SECOND_NS);
      writer.writer.tick();
      // Lands in the group of the seal, or in the next epoch while that one's key is on its way.
      await Promise.all([append(`with the seal ${epoch}`), append(`beside it ${epoch}`)]);
    }
    await writer.close();
  };
  await expect(work()).rejects.toBeInstanceOf(Killed);
  return acknowledged;
}

const STEPS: readonly CommitStep[] = [
  'write',
  'sync',
  'lock',
  'checkpoint',
  'slot',
  'acknowledge',
  'slot-sync',
  'epoch-key',
  'second-slot',
  'wipe',
];
/** Two epochs are sealed when they are due, the third when the writer is closed. */
const KILLS = STEPS.flatMap((step) => [1, 2, 3].map((nth) => [step, nth] as const));

describe('killed at a step of a commit', () => {
  it.each(KILLS)('%s, the time number %i: all that was acknowledged is there, and each epoch has one seal', async (step, nth) => {
    using dir = tempDir();
    const acknowledged = await killAt(dir.path, step, nth);
    const rootKey = readRootKey(join(dir.path, 'keys', 'verification.key'));
    await expectRecovers(dir.path, acknowledged, [rootKey]);
  });

  it.each(['slot-sync', 'epoch-key'] as const)('%s, and a power cut takes the watermark of that commit', async (step) => {
    using dir = tempDir();
    let before = Buffer.alloc(0);
    const watermark = join(dir.path, 'ledger', 'watermark');
    const clock = handClock();
    const writer = await startWriter(dir.path, {
      wall: clock.wall,
      sealLimits: { afterMs: 1000 },
      onStep: (at) => {
        if (at === 'slot') before = readFileSync(watermark);
        if (at === step) throw new Killed();
      },
    });
    await writer.append([{ message: 'sealed' }]);
    clock.pass(2n * SECOND_NS);
    writer.writer.tick();
    expect(await writer.died).toBeInstanceOf(Killed);
    writeFileSync(watermark, before);
    await expectRecovers(dir.path, ['sealed'], [readRootKey(join(dir.path, 'keys', 'verification.key'))]);
  });

  it.each(['sync', 'lock', 'checkpoint', 'slot'] as const)('%s, and the start dies before it publishes anything', async (step) => {
    using dir = tempDir();
    const clock = handClock();
    let isSealing = false;
    const writer = await startWriter(dir.path, {
      wall: clock.wall,
      sealLimits: { afterMs: 1000 },
      onStep: (at) => {
        if (isSealing && at === step) throw new Killed();
      },
    });
    await writer.append([{ message: 'sealed' }]);
    isSealing = true;
    clock.pass(2n * SECOND_NS);
    writer.writer.tick();
    expect(await writer.died).toBeInstanceOf(Killed);
    const unset = { origin: undefined, anchorNote: undefined, keysDir: undefined, openLock: () => undefined };
    const announced = new Map<string, string>();
    const file = (name: string, sha256: string): void => void announced.set(name, Buffer.from(sha256, 'latin1').toString('hex'));
    const paths = ledgerPaths(dir.path);
    const opened = await openOrCreate(paths, { ...unset, dataDir: dir.path, journal: { ...NO_JOURNAL, file }, clock: clock.wall });
    expect(opened.recovered.state.epochs.epoch).toBe(1);
    expect(announced.get('watermark')).toBe(hash('sha256', readFileSync(paths.watermark)));
    await expectRecovers(dir.path, ['sealed'], [readRootKey(paths.verificationKey)]);
  });

  it('dies again at each step of the start that repairs it, and still comes up', async () => {
    using dir = tempDir();
    const acknowledged = await killAt(dir.path, 'epoch-key', 1);
    // The start publishes before it appends; a recovery that is killed leaves a state that the next one takes over.
    for (const step of ['write', 'sync', 'slot'] as const) {
      const writer = await startWriter(dir.path, {
        wall: () => START_NS,
        onStep: (at) => {
          if (at === step) throw new Killed();
        },
      });
      await expect(writer.append([{ message: 'never acknowledged' }])).rejects.toBeInstanceOf(Killed);
    }
    await expectRecovers(dir.path, acknowledged, [readRootKey(join(dir.path, 'keys', 'verification.key'))]);
  });
});

/** A ledger with an epoch behind it, ready for a rotation. */
async function makeLedger(dataDir: string): Promise<void> {
  const writer = await startWriter(dataDir, { wall: () => START_NS });
  await writer.append([{ message: 'first lineage' }]);
  await writer.close();
}

describe('killed while keys are rotated', () => {
  it.each(STEPS)('at the step %s: the old keys go on, or the new ones do', async (step) => {
    using dir = tempDir();
    await makeLedger(dir.path);
    const keysDir = join(dir.path, 'keys');
    const oldRoot = readRootKey(join(keysDir, 'verification.key'));
    const rotated = prepareRotation(ledgerPaths(dir.path), undefined);
    const newRoot = Buffer.from(rotated.macKey);
    const writer: WriterInHand = await startWriter(dir.path, {
      wall: () => START_NS,
      onStep: (at) => {
        if (at === step) throw new Killed();
      },
    });
    writer.rotate(rotated);
    expect(await writer.died).toBeInstanceOf(Killed);
    const keyFiles = await expectRecovers(dir.path, ['first lineage'], [oldRoot, newRoot]);
    const isRotated = leavesOf(dir.path).some((leaf) => leaf.type === LEAF_TYPES.keyRotate);
    expect(isRotated).toBe(step !== 'write');
    if (!isRotated) return;
    expect(keyFiles).toEqual(['epoch.key', 'log.key', 'verification-0.key', 'verification.key']);
    expect(readRootKey(join(keysDir, 'verification.key'))).toEqual(newRoot);
    expect(readRootKey(join(keysDir, 'verification-0.key'))).toEqual(oldRoot);
  });
});

describe('killed after a rotation came into force, while its files were put in their places', () => {
  type Move = (keysDir: string) => void;
  const epochKey: Move = (keysDir) => renameSync(join(keysDir, 'epoch.key.new-lineage'), join(keysDir, 'epoch.key'));
  const oldRoot: Move = (keysDir) => renameSync(join(keysDir, 'verification.key'), join(keysDir, 'verification-0.key'));
  const newRoot: Move = (keysDir) => renameSync(join(keysDir, 'verification.key.next'), join(keysDir, 'verification.key'));
  it.each([
    ['the epoch key', [epochKey]],
    ['the old root key', [epochKey, oldRoot]],
    ['the new root key', [epochKey, oldRoot, newRoot]],
  ])('behind %s', async (_name, moves) => {
    using dir = tempDir();
    await makeLedger(dir.path);
    const keysDir = join(dir.path, 'keys');
    const roots = [readRootKey(join(keysDir, 'verification.key'))];
    const rotated = prepareRotation(ledgerPaths(dir.path), undefined);
    roots.push(Buffer.from(rotated.macKey));
    const onStep = (at: CommitStep): void => {
      if (at === 'epoch-key') throw new Killed();
    };
    const writer = await startWriter(dir.path, { wall: () => START_NS, onStep });
    writer.rotate(rotated);
    expect(await writer.died).toBeInstanceOf(Killed);
    // What the committer goes on to do, step by step.
    const inForce = readEpochKeys(join(keysDir, 'epoch.key.next')).atEpoch(2);
    writeFileSync(join(keysDir, 'epoch.key.new-lineage'), inForce.format(), { mode: 0o600 });
    for (const move of moves) move(keysDir);
    const keyFiles = await expectRecovers(dir.path, ['first lineage'], roots);
    expect(keyFiles).toEqual(['epoch.key', 'log.key', 'verification-0.key', 'verification.key']);
    expect(readRootKey(join(keysDir, 'verification.key'))).toEqual(roots[1]);
  });
});

describe('keys that are not of this state', () => {
  async function twoStates(dir: string, copy: string): Promise<void> {
    const writer = await startWriter(dir, { wall: () => START_NS });
    await writer.append([{ message: 'one' }]);
    await writer.close();
    cpSync(dir, copy, { recursive: true });
    for (let epoch = 0; epoch < 3; epoch++) {
      const again = await startWriter(dir, { wall: () => START_NS });
      await again.append([{ message: `later ${epoch}` }]);
      await again.close();
    }
  }
  const start = (dataDir: string): Promise<unknown> => startWriter(dataDir, { wall: () => START_NS });

  it('refuses a ledger that was put back to an earlier state beside its own keys, as truncated', async () => {
    using dir = tempDir();
    using copy = tempDir();
    await twoStates(dir.path, copy.path);
    cpSync(join(dir.path, 'keys'), join(copy.path, 'keys'), { recursive: true });
    await expect(start(copy.path)).rejects.toMatchObject({ code: 'truncated' });
  });

  it('refuses an older key beside a newer ledger', async () => {
    using dir = tempDir();
    using copy = tempDir();
    await twoStates(dir.path, copy.path);
    cpSync(join(copy.path, 'keys'), join(dir.path, 'keys'), { recursive: true });
    await expect(start(dir.path)).rejects.toMatchObject({ code: 'key-mismatch' });
  });

  it('refuses an epoch key of the right epoch that is not the one that was announced', async () => {
    using dir = tempDir();
    using copy = tempDir();
    await twoStates(dir.path, copy.path);
    const path = join(dir.path, 'keys', 'epoch.key');
    const { epoch } = EpochKeys.parse(readFileSync(path)) ?? expect.unreachable();
    writeFileSync(path, EpochKeys.ofRoot(Buffer.alloc(32, 9), epoch).format());
    await expect(start(dir.path)).rejects.toMatchObject({ code: 'key-mismatch' });
  });

  it('refuses to begin a new ledger with keys that have evolved: theirs was deleted', async () => {
    using dir = tempDir();
    using copy = tempDir();
    await twoStates(copy.path, dir.path);
    cpSync(join(copy.path, 'keys'), join(dir.path, 'other', 'keys'), { recursive: true });
    await expect(start(join(dir.path, 'other'))).rejects.toMatchObject({
      code: 'truncated',
      message: expect.stringContaining('to begin a new one, move the keys out') as string,
    });
  });
});
