import { VersionsError } from './versions-error.ts';

/** Requests about one artifact that may wait for each other. */
const WAITING_MAX = 1000;

/** One change of an artifact at a time, in the order in which they came; other artifacts do not wait. */
export class NameLocks {
  readonly #tails = new Map<string, { tail: Promise<unknown>; waiting: number }>();

  /** Throws VersionsError `busy` when too many wait. */
  async hold<T>(name: string, task: () => Promise<T>): Promise<T> {
    const lock = this.#tails.get(name) ?? { tail: Promise.resolve(), waiting: 0 };
    if (lock.waiting >= WAITING_MAX) throw new VersionsError('busy', `${WAITING_MAX} requests about "${name}" are waiting already`);
    this.#tails.set(name, lock);
    lock.waiting++;
    const run = lock.tail.then(task);
    lock.tail = run.catch(() => undefined);
    try {
      return await run;
    } finally {
      lock.waiting--;
      if (lock.waiting === 0) this.#tails.delete(name);
    }
  }

  /** Resolves when nothing is held any more. */
  async idle(): Promise<void> {
    while (this.#tails.size > 0) await Promise.all(Array.from(this.#tails.values(), ({ tail }) => tail));
  }
}
