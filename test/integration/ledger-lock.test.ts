import { cpSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openCheckpointLock } from '../../src/anchor/open-checkpoint-lock.ts';
import type { CheckpointLock } from '../../src/ledger/checkpoint-lock.ts';
import { openLedgerReader } from '../../src/ledger/open-reader.ts';
import { tempDir } from '../support/temp-dir.ts';
import { startWriter, type InHandOptions, type WriterInHand } from '../support/writer-in-hand.ts';

const START_NS = 1_767_323_045_000_000_000n;
const SECOND_NS = 1_000_000_000n;

let dir: ReturnType<typeof tempDir>;
let anchors: ReturnType<typeof tempDir>;
let nowNs: bigint;

beforeEach(() => {
  dir = tempDir();
  anchors = tempDir();
  nowNs = START_NS;
});
afterEach(() => {
  dir[Symbol.dispose]();
  anchors[Symbol.dispose]();
});

/** The real lock in a folder, with a network in between that can be cut and held up. */
class CuttableLock implements CheckpointLock {
  readonly #lock: CheckpointLock;
  isCut = false;
  held: Promise<void> = Promise.resolve();
  calls = 0;

  constructor() {
    const lock = openCheckpointLock({ kind: 'file', dir: anchors.path }, Buffer.alloc(16));
    if (lock === undefined) throw new Error('no lock');
    this.#lock = lock;
  }

  get location(): string {
    return this.#lock.location;
  }

  async read(): ReturnType<CheckpointLock['read']> {
    await this.held;
    return this.isCut ? { outcome: 'unreachable', reason: 'cut' } : this.#lock.read();
  }

  async advance(previous: string | undefined, next: string): ReturnType<CheckpointLock['advance']> {
    this.calls++;
    await this.held;
    return this.isCut ? { outcome: 'unreachable', reason: 'cut' } : this.#lock.advance(previous, next);
  }

  close(): Promise<void> {
    return this.#lock.close();
  }

  async note(): Promise<string | undefined> {
    const read = await this.#lock.read();
    return read.outcome === 'read' ? read.note : undefined;
  }
}

const start = (options: Partial<InHandOptions>): Promise<WriterInHand> => startWriter(dir.path, { wall: () => nowNs, ...options });
const published = (): string => readFileSync(join(dir.path, 'ledger', 'checkpoint'), 'utf8');
const sizeOf = (note: string | undefined): number => Number(note?.split('\n')[1]);

function tick({ writer }: WriterInHand): void {
  nowNs += 2n * SECOND_NS;
  writer.tick();
}

describe('a commit', () => {
  it('moves the lock on before the checkpoint is published, and acknowledges after both', async () => {
    const lock = new CuttableLock();
    const seen: { step: string; lock: Promise<string | undefined>; published: string }[] = [];
    const writer = await start({ lock, onStep: (step) => void seen.push({ step, lock: lock.note(), published: published() }) });
    const before = published();
    await writer.append([{ message: 'locked' }]);
    const after = published();
    const at = async (step: string): Promise<readonly [string | undefined, string | undefined]> => {
      const found = seen.find((each) => each.step === step);
      return [await found?.lock, found?.published];
    };
    expect(await at('lock')).toEqual([before, before]);
    expect(await at('checkpoint')).toEqual([after, before]);
    expect(await at('acknowledge')).toEqual([after, after]);
    await writer.close();
    expect(await lock.note()).toBe(published());
  });
});

describe('a lock that is lost', () => {
  it('holds up no commit and no checkpoint becomes public; it catches up by itself, also when nothing is appended', async () => {
    const lock = new CuttableLock();
    const writer = await start({ lock });
    await writer.append([{ message: 'before' }]);
    const last = published();
    lock.isCut = true;
    const unanchored = await writer.append([{ message: 'while it is away' }]);
    expect(unanchored.isAnchored).toBe(false);
    const asked = lock.calls;
    await writer.append([{ message: 'nobody asks again for each commit' }]);
    expect(lock.calls).toBe(asked);
    expect(published()).toBe(last);
    expect(await lock.note()).toBe(last);
    tick(writer);
    await expect.poll(() => lock.calls).toBe(asked + 1);
    expect(writer.anchored).toEqual([]);
    lock.isCut = false;
    tick(writer);
    await expect.poll(() => writer.anchored.map(({ size }) => size)).toEqual([4]);
    expect(sizeOf(published())).toBe(4);
    expect((await writer.append([{ message: 'after' }])).isAnchored).toBe(true);
    await writer.close();
    expect(await lock.note()).toBe(published());
  });

  it('does not make commits wait while it is asked again and takes its time', async () => {
    const lock = new CuttableLock();
    const writer = await start({ lock });
    lock.isCut = true;
    await writer.append([{ message: 'lost' }]);
    const { promise, resolve } = Promise.withResolvers<void>();
    lock.held = promise;
    tick(writer);
    await expect.poll(() => lock.calls).toBe(3);
    // Answered although the lock has not answered yet; it then learns of the older note, and of this one a second later.
    expect((await writer.append([{ message: 'not held up' }])).isAnchored).toBe(false);
    lock.isCut = false;
    resolve();
    await expect.poll(() => writer.anchored.map(({ size }) => size)).toEqual([2]);
    tick(writer);
    await expect.poll(() => writer.anchored.map(({ size }) => size)).toEqual([2, 3]);
    await writer.close();
  });

  it('from the start serves the checkpoint that was public last, and is held against the ledger once it answers', async () => {
    const lock = new CuttableLock();
    const first = await start({ lock });
    await first.append([{ message: 'anchored' }]);
    await first.close();
    const last = published();
    lock.isCut = true;
    const asked: number[] = [];
    const rootAt = (size: number): Promise<Uint8Array> => {
      asked.push(size);
      return openLedgerReader(dir.path).rootAt(size);
    };
    const second = await start({ lock, rootAt });
    expect(second.opened.recovered.published?.checkpoint).toBe(last);
    await second.append([{ message: 'unanchored' }]);
    expect(published()).toBe(last);
    lock.isCut = false;
    tick(second);
    await expect.poll(() => second.anchored.map(({ size }) => size)).toEqual([4]);
    expect(asked).toEqual([3]);
    await second.close();
  });
});

describe('a lock that states something else', () => {
  it('kills the writer at the next commit when a copy of the ledger has moved it on', async () => {
    using copy = tempDir();
    const lock = new CuttableLock();
    const first = await start({ lock });
    await first.append([{ message: 'common' }]);
    cpSync(dir.path, copy.path, { recursive: true });
    const other = await startWriter(copy.path, { wall: () => nowNs, lock: new CuttableLock() });
    await other.append([{ message: 'of the copy' }]);
    const mine = first.append([{ message: 'of the first' }]);
    await expect(mine).rejects.toMatchObject({ code: 'forked' });
    expect(await first.died).toMatchObject({ code: 'forked', message: expect.stringContaining('states 3 entries') as string });
    await other.close();
  });

  it('refuses a ledger put back to an earlier state, and one with another history of the same length', async () => {
    using copy = tempDir();
    const lock = new CuttableLock();
    const first = await start({ lock });
    await first.append([{ message: 'common' }]);
    await first.close();
    cpSync(dir.path, copy.path, { recursive: true });
    const again = await start({ lock: new CuttableLock() });
    await again.append([{ message: 'later' }]);
    await again.close();
    const old = (): Promise<WriterInHand> => startWriter(copy.path, { wall: () => nowNs, lock: new CuttableLock() });
    await expect(old()).rejects.toMatchObject({ code: 'rolled-back' });
    const forked = await startWriter(copy.path, { wall: () => nowNs });
    await forked.append([{ message: 'another' }]);
    await forked.append([{ message: 'history' }]);
    await forked.close();
    await expect(old()).rejects.toMatchObject({ code: 'forked' });
  });
});
