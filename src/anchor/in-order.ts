import { AnchorError } from './anchor-error.ts';

/** Requests of one log that may wait; one is served in a few milliseconds, and an honest log sends one at a time. */
const WAITING_MAX = 32;

/** Runs the tasks of one name one after the other, those of different names side by side. */
export class InOrder {
  readonly #lines = new Map<string, { last: Promise<void>; waiting: number }>();

  /** Rejects with AnchorError `busy` when too many of that name wait. */
  async run<T>(name: string, task: () => Promise<T>): Promise<T> {
    const line = this.#lines.get(name) ?? { last: Promise.resolve(), waiting: 0 };
    if (line.waiting >= WAITING_MAX) throw new AnchorError('busy', `${WAITING_MAX} requests of "${name}" are waiting already`);
    this.#lines.set(name, line);
    line.waiting++;
    const turn = line.last.then(task);
    line.last = turn.then(
      () => undefined,
      () => undefined,
    );
    try {
      return await turn;
    } finally {
      line.waiting--;
      if (line.waiting === 0) this.#lines.delete(name);
    }
  }
}
