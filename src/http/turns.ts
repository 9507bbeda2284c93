import { HttpError } from './http-error.ts';

/** Reads of the ledger at one time: each may hold blocks of up to 16 MiB, and they share one thread anyway. */
const RUNNING_MAX = 4;
/** Readers that may wait for their turn; they hold next to nothing. */
const WAITING_MAX = 1000;

/** Lets a few tasks run at a time and the others wait in order: bounds memory when many ask at once. */
export class Turns {
  #running = 0;
  readonly #waiting: (() => void)[] = [];

  /** Rejects with HttpError `busy` when too many wait. */
  async take<T>(task: () => Promise<T>): Promise<T> {
    if (this.#running < RUNNING_MAX) this.#running++;
    else {
      if (this.#waiting.length >= WAITING_MAX) throw new HttpError('busy', `${WAITING_MAX} readers are waiting already`);
      // Whoever ends hands over its place: the count of running tasks stays as it is.
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    try {
      return await task();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#running--;
      else next();
    }
  }
}
