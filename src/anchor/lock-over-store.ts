import { setTimeout as sleep } from 'node:timers/promises';
import { LOCK_DEADLINE_MS, type CheckpointLock, type LockAdvance, type LockRead } from '../ledger/checkpoint-lock.ts';
import type { CheckpointStore, Swap } from './checkpoint-store.ts';

/** Notes whose fate is unknown that are kept; with so many, the store is read before anything more is tried. */
const UNANSWERED_MAX = 64;

type Answer<T> = { readonly isAnswered: true; readonly value: T } | { readonly isAnswered: false; readonly reason: string };

/**
 * Makes a checkpoint lock of a store that may hang, fail and lose answers. A swap without an answer may have taken place, or may yet:
 * its note is remembered until a later swap is answered, and where it is found instead of `previous` it counts as ours.
 */
export class LockOverStore implements CheckpointLock {
  readonly location: string;
  readonly #store: CheckpointStore;
  readonly #deadlineMs: number;
  /** A call that did not answer in time and still runs: nothing else is begun, or a dead disk would eat every thread of the pool. */
  #overdue: Promise<void> | undefined;
  #unanswered: string[] = [];

  constructor(store: CheckpointStore, deadlineMs = LOCK_DEADLINE_MS) {
    this.location = store.location;
    this.#store = store;
    this.#deadlineMs = deadlineMs;
  }

  async read(): Promise<LockRead> {
    const answer = await this.#ask(() => this.#store.read());
    return answer.isAnswered ? { outcome: 'read', note: answer.value } : { outcome: 'unreachable', reason: answer.reason };
  }

  async advance(previous: string | undefined, next: string): Promise<LockAdvance> {
    const answer = await this.#ask(() => this.#swap(previous, next));
    if (!answer.isAnswered) return { outcome: 'unreachable', reason: answer.reason };
    const swap = answer.value;
    if (!swap.isSwapped) return { outcome: 'conflict', found: swap.found };
    this.#unanswered = [];
    return { outcome: 'advanced' };
  }

  async close(): Promise<void> {
    // A call that never ends takes its open file with the process.
    if (this.#overdue !== undefined) await Promise.race([this.#overdue, sleep(this.#deadlineMs)]);
    await this.#ask(() => this.#store.close());
  }

  async #swap(previous: string | undefined, next: string): Promise<Swap> {
    let expected = previous;
    if (this.#unanswered.length >= UNANSWERED_MAX) {
      const found = await this.#store.read();
      if (found !== previous && !this.#isOurs(found)) return { isSwapped: false, found };
      expected = found;
      this.#unanswered = found === undefined ? [] : [found];
    }
    // Before the store is asked: whatever becomes of the answer, and whenever it comes, the note is known as ours.
    this.#unanswered.push(next);
    const swap = await this.#store.swap(expected, next);
    if (swap.isSwapped || swap.found === next) return { isSwapped: true };
    // Found instead: a note of ours whose answer was lost, or (when another late one landed meanwhile) somebody else's.
    return this.#isOurs(swap.found) ? this.#store.swap(swap.found, next) : swap;
  }

  #isOurs(note: string | undefined): boolean {
    return note !== undefined && this.#unanswered.includes(note);
  }

  async #ask<T>(task: () => Promise<T>): Promise<Answer<T>> {
    if (this.#overdue !== undefined) return { isAnswered: false, reason: `${this.location} has not answered yet` };
    let timer: NodeJS.Timeout | undefined;
    const running = task().then(
      (value): Answer<T> => ({ isAnswered: true, value }),
      (error: unknown): Answer<T> => ({ isAnswered: false, reason: error instanceof Error ? error.message : String(error) }),
    );
    const late = new Promise<'late'>((resolve) => (timer = setTimeout(() => resolve('late'), this.#deadlineMs)));
    const first = await Promise.race([running, late]);
    clearTimeout(timer);
    if (first !== 'late') return first;
    this.#overdue = running.then(() => {
      this.#overdue = undefined;
    });
    return { isAnswered: false, reason: `${this.location} did not answer within ${this.#deadlineMs} ms` };
  }
}
