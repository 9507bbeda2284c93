/** nginx asks a second time after try_files; a client that keeps sending one id must not go on for free. */
const REPLAYS_MAX = 4;
/** From the first decision, never extended. */
const REPLAY_US = 5_000_000;

interface Remembered<T> {
  readonly answer: T;
  readonly untilUs: number;
  left: number;
}

/**
 * Answers to requests by their tag, for a proxy that asks twice about one request. Bounded: what does not fit is not remembered, and a
 * repetition is then charged again.
 */
export class Replays<T> {
  readonly #entriesMax: number;
  /** In the order of their ends: all stay for the same time. */
  readonly #entries = new Map<string, Remembered<T>>();

  constructor(entriesMax: number) {
    this.#entriesMax = entriesMax;
  }

  take(tag: string, nowUs: number): T | undefined {
    const entry = this.#entries.get(tag);
    if (entry === undefined || entry.untilUs <= nowUs || entry.left === 0) return undefined;
    entry.left--;
    return entry.answer;
  }

  /** A tag whose replays are used up is not remembered anew within its five seconds. */
  put(tag: string, answer: T, nowUs: number): void {
    for (const [old, { untilUs }] of this.#entries) {
      if (untilUs > nowUs) break;
      this.#entries.delete(old);
    }
    if (this.#entries.has(tag) || this.#entries.size >= this.#entriesMax) return;
    this.#entries.set(tag, { answer, untilUs: nowUs + REPLAY_US, left: REPLAYS_MAX });
  }
}
