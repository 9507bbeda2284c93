/** Counters: a key that is refused more often than one in so many of all is certainly among them. */
const COUNTERS = 64;
const SHOWN = 10;

export interface DeniedKey {
  readonly limit: string;
  readonly key: string;
  /** At least so often; exactly while fewer keys than counters were refused. */
  readonly denied: number;
}

interface Counter {
  readonly limit: string;
  readonly key: string;
  count: number;
  /** The count that it took over from another key. */
  inherited: number;
}

/** Who is refused most, in bounded memory (the Space-Saving algorithm: Metwally, Agrawal, El Abbadi, 2005). */
export class TopDenied {
  #counters = new Map<string, Counter>();

  count(limit: string, key: string): void {
    const name = `${limit} ${key}`;
    const known = this.#counters.get(name);
    if (known !== undefined) {
      known.count++;
      return;
    }
    let inherited = 0;
    if (this.#counters.size === COUNTERS) {
      let [oldName, least] = ['', Infinity];
      for (const [each, counter] of this.#counters) if (counter.count < least) [oldName, least] = [each, counter.count];
      this.#counters.delete(oldName);
      inherited = least;
    }
    this.#counters.set(name, { limit, key, count: inherited + 1, inherited });
  }

  /** Those refused most, and begins anew. */
  take(): readonly DeniedKey[] {
    const all = Array.from(this.#counters.values(), ({ limit, key, count, inherited }) => ({ limit, key, denied: count - inherited }));
    this.#counters = new Map();
    return all.toSorted((a, b) => b.denied - a.denied).slice(0, SHOWN);
  }
}
