import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import { formatAddCheckpoint } from '../../src/anchor/add-checkpoint.ts';
import { FileCheckpointStore } from '../../src/anchor/file-checkpoint-store.ts';
import { openWitnessKey, witnessFiles } from '../../src/anchor/witness-files.ts';
import { Dice } from '../support/dice.ts';
import { testSeed } from '../support/seed.ts';
import { tempDir } from '../support/temp-dir.ts';
import { ToyLog } from '../support/toy-log.ts';

vi.setConfig({ testTimeout: 180_000 });

const STRACE = '/usr/bin/strace';
const ID = '00112233445566778899aabbccddeeff';
const script = (name: string): string => fileURLToPath(new URL(`../support/${name}`, import.meta.url));

describe('a process killed while it moves the checkpoint lock on', () => {
  it('leaves a whole note, never an older one than it had seen there, and a lock that goes on', async () => {
    using dir = tempDir();
    const dice = new Dice(testSeed(), 0);
    for (let kill = 0; kill < 12; kill++) {
      const child = spawn(process.execPath, [script('advance-lock.run.ts'), dir.path, ID], { stdio: ['ignore', 'pipe', 'inherit'] });
      const exited = new Promise<void>((resolve) => child.once('close', () => resolve()));
      let out = '';
      await new Promise<void>((resolve) => {
        child.stdout.setEncoding('utf8').on('data', (text: string) => {
          out += text;
          resolve();
        });
      });
      await sleep(dice.below(40));
      child.kill('SIGKILL');
      await exited;
      const seen = Number(out.trim().split('\n').at(-1));
      const store = new FileCheckpointStore(dir.path, ID);
      const note = await store.read();
      const round = Number(note?.split('\n')[1]);
      expect(note).toMatch(/^example\.org\/log\n\d+\nA{43}=\n\n— example\.org\/log (short|(long){2000})\n$/);
      expect([seen, seen + 1]).toContain(round);
      expect(await store.swap(note, 'example.org/log\n0\n')).toEqual({ isSwapped: true });
      await store.close();
    }
  });
});

describe('a witness whose disk fails', () => {
  const log = new ToyLog('example.org/log').grow(20);
  const request = (oldSize: number, size: number): string =>
    Buffer.from(formatAddCheckpoint(oldSize, log.proof(oldSize, size), log.note(size))).toString('base64');
  const cosign = (dir: string, body: string, inject: readonly string[] = []): string => {
    if (!existsSync(STRACE)) throw new Error('these tests need strace: apt-get install strace');
    const node = [process.execPath, script('cosign-once.run.ts'), dir, log.verifierKey, body];
    const watch = ['-f', '-q', '-o', join(dir, 'trace'), '-P', join(dir, 'witness')];
    const [command, ...args] = inject.length === 0 ? node : [STRACE, ...watch, ...inject, ...node];
    // strace counts a thread's own calls: `when=2` needs all of them on one.
    const { stdout, stderr } = spawnSync(command, args, { encoding: 'utf8', env: { ...process.env, UV_THREADPOOL_SIZE: '1' } });
    return stdout === '' ? stderr : stdout.trim();
  };
  const recordPath = (dir: string): string => join(dir, 'witness', readdirSync(join(dir, 'witness'))[0]);

  it.each([
    ['reading the record', 'openat:error=EIO:when=1', 5],
    ['writing the new one', 'write:error=ENOSPC', 5],
    ['making it durable', 'fsync:error=EIO:when=1', 5],
    ['putting it in place', 'rename:error=EIO', 5],
    ['making its place durable', 'fsync:error=EIO:when=2', 9],
  ])('gives no cosignature when %s fails, and goes on from what its record holds', async (_step, inject, sizeAfter) => {
    using dir = tempDir();
    await openWitnessKey(dir.path);
    expect(cosign(dir.path, request(0, 5))).toBe('cosigned');
    const name = recordPath(dir.path);
    const watched = ['-P', name, '-P', `${name}.tmp`, '-e', `inject=${inject}`];
    expect(cosign(dir.path, request(5, 9), watched)).toMatch(/^refused: E(IO|NOSPC)/);
    expect((await witnessFiles(dir.path).readLatest(log.origin))?.size).toBe(sizeAfter);
    expect(cosign(dir.path, request(sizeAfter, 12))).toBe('cosigned');
    expect(readFileSync(name, 'utf8')).toContain('\n12\n');
  });
});
