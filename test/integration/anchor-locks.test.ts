import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { CheckpointStore } from '../../src/anchor/checkpoint-store.ts';
import { FileCheckpointStore } from '../../src/anchor/file-checkpoint-store.ts';
import { LockOverStore } from '../../src/anchor/lock-over-store.ts';
import { openCheckpointLock } from '../../src/anchor/open-checkpoint-lock.ts';
import { RedisCheckpointStore } from '../../src/anchor/redis-checkpoint-store.ts';
import { checkpointLockLaws } from '../support/checkpoint-lock-laws.ts';
import { freePort, startRedis } from '../support/redis-server.ts';
import { tempDir } from '../support/temp-dir.ts';

const ID = '00112233445566778899aabbccddeeff';
const ID_BYTES = Buffer.from(ID, 'hex');

checkpointLockLaws('a folder', () => {
  const dir = tempDir();
  const anchors = join(dir.path, 'anchors');
  return {
    store: (id) => new FileCheckpointStore(anchors, id),
    cutOff: () => renameSync(anchors, `${anchors}.unmounted`),
    restore: () => renameSync(`${anchors}.unmounted`, anchors),
    [Symbol.asyncDispose]: () => Promise.resolve(dir[Symbol.dispose]()),
  };
});

checkpointLockLaws('a Redis server', async () => {
  const redis = await startRedis();
  return {
    store: (id) => new RedisCheckpointStore(redis.url, undefined, id),
    cutOff: () => redis.signal('SIGSTOP'),
    restore: () => redis.signal('SIGCONT'),
    [Symbol.asyncDispose]: () => redis[Symbol.asyncDispose](),
  };
});

describe('a checkpoint lock whose store answers late', () => {
  it('knows its own note also when many were left without an answer before', async () => {
    let stands: string | undefined = 'start\n';
    let mood: 'deaf' | 'slow' | 'well' = 'deaf';
    const slowly = async (): Promise<void> => {
      if (mood === 'slow') await sleep(60);
    };
    const store: CheckpointStore = {
      location: 'memory',
      read: () => slowly().then(() => stands),
      swap: async (previous, next) => {
        await slowly();
        if (stands !== previous) return { isSwapped: false, found: stands };
        if (mood === 'deaf') throw new Error('it did not arrive');
        stands = next;
        return { isSwapped: true };
      },
      close: () => Promise.resolve(),
    };
    const lock = new LockOverStore(store, 40);
    for (let i = 0; i < 64; i++) expect(await lock.advance('start\n', `${i}\n`)).toMatchObject({ outcome: 'unreachable' });
    mood = 'slow';
    expect(await lock.advance('start\n', 'late\n')).toMatchObject({ outcome: 'unreachable' });
    await expect.poll(() => stands).toBe('late\n');
    mood = 'well';
    await sleep(1);
    expect(await lock.advance('start\n', 'final\n')).toEqual({ outcome: 'advanced' });
    expect(stands).toBe('final\n');
  });
});

describe('the checkpoint lock in a folder', () => {
  it('is a plain note of that name, with nothing else left behind by its commits', async () => {
    using dir = tempDir();
    const store = new FileCheckpointStore(dir.path, ID);
    for (const [previous, next] of [
      [undefined, 'a\n'],
      ['a\n', 'b\n'],
    ] as const)
      expect(await store.swap(previous, next)).toEqual({ isSwapped: true });
    await store.close();
    expect(readFileSync(join(dir.path, `${ID}.checkpoint`), 'utf8')).toBe('b\n');
    expect(readdirSync(dir.path).toSorted()).toEqual(['', '.durable', '.lock'].map((suffix) => `${ID}.checkpoint${suffix}`));
  });

  it('falls back to the note that was flushed last when a power cut left an empty file', async () => {
    using dir = tempDir();
    const before = new FileCheckpointStore(dir.path, ID);
    await before.swap(undefined, 'flushed\n');
    await before.close();
    rmSync(join(dir.path, `${ID}.checkpoint`));
    writeFileSync(join(dir.path, `${ID}.checkpoint`), '');
    const after = new FileCheckpointStore(dir.path, ID);
    expect(await after.read()).toBe('flushed\n');
    expect(await after.swap('flushed\n', 'next\n')).toEqual({ isSwapped: true });
    await after.close();
    expect(readFileSync(join(dir.path, `${ID}.checkpoint`), 'utf8')).toBe('next\n');
  });

  it('does not take an empty folder for the lock when its own was unmounted', async () => {
    using dir = tempDir();
    const anchors = join(dir.path, 'anchors');
    const lock = new LockOverStore(new FileCheckpointStore(anchors, ID));
    await lock.advance(undefined, 'a\n');
    rmSync(anchors, { recursive: true });
    mkdirSync(anchors);
    expect(await lock.advance('a\n', 'b\n')).toMatchObject({ outcome: 'unreachable' });
    await lock.close();
  });
});

describe('the checkpoint lock in a Redis server', () => {
  it('signs in with the password of the secret file, or with the one in the URL', async () => {
    await using redis = await startRedis({ password: 'correct horse' });
    const locks = [
      openCheckpointLock({ kind: 'redis', url: redis.url, password: 'correct horse' }, ID_BYTES),
      openCheckpointLock({ kind: 'redis', url: redis.url.replace('//', '//:correct%20horse@'), password: undefined }, ID_BYTES),
    ];
    for (const lock of locks) {
      expect(await lock?.read()).toEqual({ outcome: 'read', note: undefined });
      expect(lock?.location).not.toContain('horse');
      await lock?.close();
    }
  });

  it('is unreachable with a wrong password, and says so without it', async () => {
    await using redis = await startRedis({ password: 'right' });
    const lock = openCheckpointLock({ kind: 'redis', url: redis.url, password: 'wrong-secret' }, ID_BYTES);
    const read = await lock?.read();
    expect(read).toMatchObject({ outcome: 'unreachable' });
    expect(JSON.stringify(read)).not.toContain('wrong-secret');
    await lock?.close();
  });

  it('reconnects by itself when the server comes up later', async () => {
    const port = await freePort();
    const lock = openCheckpointLock({ kind: 'redis', url: `redis://127.0.0.1:${port}`, password: undefined }, ID_BYTES);
    expect(await lock?.advance(undefined, 'a\n')).toMatchObject({ outcome: 'unreachable' });
    await using redis = await startRedis({ port });
    expect(redis.url).toContain(String(port));
    await expect.poll(() => lock?.advance(undefined, 'b\n'), { timeout: 10_000, interval: 50 }).toEqual({ outcome: 'advanced' });
    await lock?.close();
  });
});

describe('openCheckpointLock', () => {
  it('gives none when the settings ask for none', () => {
    expect(openCheckpointLock({ kind: 'off' }, ID_BYTES)).toBeUndefined();
  });
});
