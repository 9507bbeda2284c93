import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CheckpointStore, Swap } from '../../src/anchor/checkpoint-store.ts';
import { LockOverStore } from '../../src/anchor/lock-over-store.ts';

/** One place that locks can live in, for one test. */
export interface LockPlace extends AsyncDisposable {
  /** A store for the ledger of this id, as a process of its own would open it. */
  store(ledgerIdHex: string): CheckpointStore;
  /** Nothing can be reached until `restore`. */
  cutOff(): Promise<void> | void;
  restore(): Promise<void> | void;
}

const LEDGER = '00112233445566778899aabbccddeeff';
const OTHER_LEDGER = 'ffeeddccbbaa99887766554433221100';
/** Long enough for a machine under load, short enough that a test of the deadline is no wait. */
const DEADLINE_MS = 400;
const RIVALS = 8;
const NOTE_OF_16_SIGNATURES = `example.org/log\n1\nroot\n\n${Array.from({ length: 16 }, (_, i) => `— witness.example/${i} ${'A'.repeat(100)}\n`).join('')}`;

/** What the writer relies on, whatever the lock lives in. */
export function checkpointLockLaws(name: string, makePlace: () => Promise<LockPlace> | LockPlace): void {
  describe(`the checkpoint lock in ${name}`, () => {
    let place: LockPlace;
    let locks: LockOverStore[] = [];
    const open = (ledger = LEDGER, wrap = (store: CheckpointStore): CheckpointStore => store): LockOverStore => {
      const lock = new LockOverStore(wrap(place.store(ledger)), DEADLINE_MS);
      locks.push(lock);
      return lock;
    };
    beforeEach(async () => {
      place = await makePlace();
    });
    afterEach(async () => {
      await Promise.all(locks.map((lock) => lock.close()));
      locks = [];
      await place[Symbol.asyncDispose]();
    });

    it('is empty before the first checkpoint', async () => {
      expect(await open().read()).toEqual({ outcome: 'read', note: undefined });
    });

    it('holds what it was advanced to, byte for byte', async () => {
      const lock = open();
      expect(await lock.advance(undefined, 'one\n')).toEqual({ outcome: 'advanced' });
      expect(await lock.advance('one\n', NOTE_OF_16_SIGNATURES)).toEqual({ outcome: 'advanced' });
      expect(await lock.read()).toEqual({ outcome: 'read', note: NOTE_OF_16_SIGNATURES });
    });

    it('refuses to advance from anything but exactly what stands there, and changes nothing', async () => {
      const lock = open();
      await lock.advance(undefined, 'one\n');
      for (const wrong of [undefined, 'one', 'One\n', 'one\n\n', 'two\n']) {
        expect(await open().advance(wrong, 'three\n')).toEqual({ outcome: 'conflict', found: 'one\n' });
      }
      expect(await lock.read()).toEqual({ outcome: 'read', note: 'one\n' });
    });

    it('lets exactly one of several rivals advance', async () => {
      await open().advance(undefined, 'start\n');
      const rivals = Array.from({ length: RIVALS }, (_, i) => ({ lock: open(), note: `rival ${i}\n` }));
      const outcomes = await Promise.all(rivals.map(({ lock, note }) => lock.advance('start\n', note)));
      const winners = rivals.filter((_, i) => outcomes[i].outcome === 'advanced');
      expect(winners).toHaveLength(1);
      expect(outcomes.filter(({ outcome }) => outcome === 'conflict')).toHaveLength(RIVALS - 1);
      expect(await open().read()).toEqual({ outcome: 'read', note: winners[0].note });
    });

    it('is found again by whoever opens it after a close', async () => {
      const lock = open();
      await lock.advance(undefined, 'kept\n');
      await lock.close();
      expect(await open().read()).toEqual({ outcome: 'read', note: 'kept\n' });
    });

    it('is apart for every ledger', async () => {
      await open().advance(undefined, 'mine\n');
      const other = open(OTHER_LEDGER);
      expect(await other.read()).toEqual({ outcome: 'read', note: undefined });
      expect(await other.advance(undefined, 'theirs\n')).toEqual({ outcome: 'advanced' });
      expect(await open().read()).toEqual({ outcome: 'read', note: 'mine\n' });
    });

    it('says unreachable in time, and goes on from where it stood once it can be reached', async () => {
      const lock = open();
      await lock.advance(undefined, 'before\n');
      await place.cutOff();
      const started = performance.now();
      expect(await lock.advance('before\n', 'lost\n')).toMatchObject({ outcome: 'unreachable' });
      expect(await lock.advance('before\n', 'lost too\n')).toMatchObject({ outcome: 'unreachable' });
      expect(performance.now() - started).toBeLessThan(3 * DEADLINE_MS);
      await place.restore();
      const goOn = (): ReturnType<LockOverStore['advance']> => lock.advance('before\n', 'after\n');
      await expect.poll(goOn, { timeout: 10_000, interval: 20 }).toEqual({ outcome: 'advanced' });
      expect(await open().read()).toEqual({ outcome: 'read', note: 'after\n' });
    });

    it('takes a note whose answer was lost for its own', async () => {
      const lock = open(LEDGER, (store) => new Deaf(store, 2));
      expect(await lock.advance(undefined, 'one\n')).toMatchObject({ outcome: 'unreachable' });
      expect(await lock.advance(undefined, 'two\n')).toMatchObject({ outcome: 'unreachable' });
      expect(await open().read()).toMatchObject({ outcome: 'read' });
      expect(await lock.advance(undefined, 'three\n')).toEqual({ outcome: 'advanced' });
      expect(await open().read()).toEqual({ outcome: 'read', note: 'three\n' });
    });

    it('tells a rival from a lost answer', async () => {
      const lock = open(LEDGER, (store) => new Deaf(store, 1));
      await lock.advance(undefined, 'one\n');
      await open().advance('one\n', 'rival\n');
      expect(await lock.advance(undefined, 'two\n')).toEqual({ outcome: 'conflict', found: 'rival\n' });
    });

    it('forgets no lost answer, however many there are', async () => {
      const lock = open(LEDGER, (store) => new Deaf(store, 200));
      for (let i = 0; i < 200; i++) expect(await lock.advance(undefined, `${i}\n`)).toMatchObject({ outcome: 'unreachable' });
      expect(await lock.advance(undefined, 'heard\n')).toEqual({ outcome: 'advanced' });
      expect(await open().read()).toEqual({ outcome: 'read', note: 'heard\n' });
    });
  });
}

/** Carries the first swaps out and loses their answers. */
class Deaf implements CheckpointStore {
  readonly location: string;
  readonly #store: CheckpointStore;
  #left: number;

  constructor(store: CheckpointStore, answersLost: number) {
    this.location = store.location;
    this.#store = store;
    this.#left = answersLost;
  }

  read(): Promise<string | undefined> {
    return this.#store.read();
  }

  async swap(previous: string | undefined, next: string): Promise<Swap> {
    const swap = await this.#store.swap(previous, next);
    if (this.#left === 0) return swap;
    this.#left--;
    throw new Error('the answer was lost');
  }

  close(): Promise<void> {
    return this.#store.close();
  }
}
