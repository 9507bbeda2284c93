const CAPACITY_AT_FIRST = 4;

/**
 * The stamps of one key in a ring that doubles as it fills: 8 bytes for each unit in the window, up to twice that. Its capacity is always a
 * power of two.
 */
export class StampRing {
  /** The longest window that was asked for: what has left it is of no more use to anybody. */
  windowUs: number;
  count = 0;
  #times = new Float64Array(CAPACITY_AT_FIRST);
  /** Where the next stamp goes. */
  #next = 0;

  constructor(windowUs: number) {
    this.windowUs = windowUs;
  }

  /** The n-th latest, 1 ≤ n ≤ count. */
  latest(n: number): number {
    return this.#times[(this.#next - n) & (this.#times.length - 1)];
  }

  /** Forgets what has left the window. Each stamp is forgotten once: on average a constant for each push. */
  dropOld(nowUs: number): void {
    const times = this.#times;
    const mask = times.length - 1;
    const startUs = nowUs - this.windowUs;
    let { count } = this;
    while (count > 0 && times[(this.#next - count) & mask] <= startUs) count--;
    this.count = count;
  }

  /** Stamps ascend: one that comes from another clock and is a little late takes the time of the newest. */
  push(timeUs: number, copies: number): void {
    const stampUs = this.count > 0 ? Math.max(timeUs, this.latest(1)) : timeUs;
    if (this.count + copies > this.#times.length) this.#grow(this.count + copies);
    const times = this.#times;
    for (let i = 0; i < copies; i++) {
      times[this.#next] = stampUs;
      this.#next = (this.#next + 1) & (times.length - 1);
    }
    this.count += copies;
  }

  /** Takes back so many copies of this stamp, or as many as there are. */
  remove(stampUs: number, copies: number): void {
    const kept = this.stamps();
    for (let i = 0; i < copies; i++) {
      const at = kept.lastIndexOf(stampUs);
      if (at === -1) break;
      kept.splice(at, 1);
    }
    this.count = 0;
    for (const stamp of kept) this.push(stamp, 1);
  }

  /** All of them, ascending. */
  stamps(): number[] {
    return Array.from({ length: this.count }, (_, i) => this.latest(this.count - i));
  }

  /** How many stamps are after this time. */
  countAfter(timeUs: number): number {
    let [low, high] = [0, this.count];
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (this.latest(middle) > timeUs) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  #grow(count: number): void {
    const larger = new Float64Array(2 ** Math.ceil(Math.log2(count)));
    for (let i = 0; i < this.count; i++) larger[i] = this.latest(this.count - i);
    this.#times = larger;
    this.#next = this.count;
  }
}
