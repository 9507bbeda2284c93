import { HttpError } from './http-error.ts';

/** A bound on what goes on at one time: who finds no place is told to come back. */
export class Places {
  #taken = 0;
  readonly #max: number;
  readonly #what: string;

  constructor(max: number, what: string) {
    this.#max = max;
    this.#what = what;
  }

  /** Returns what gives the place back; calling it twice does nothing. Throws HttpError `busy`. */
  take(): () => void {
    if (this.#taken >= this.#max) throw new HttpError('busy', `${this.#max} ${this.#what} already`);
    this.#taken++;
    let isTaken = true;
    return () => {
      if (isTaken) this.#taken--;
      isTaken = false;
    };
  }

  async during<T>(task: () => Promise<T>): Promise<T> {
    const leave = this.take();
    try {
      return await task();
    } finally {
      leave();
    }
  }
}
