const CAPACITY_AT_FIRST = 4;

/** The stamps of one key in a ring that doubles as it fills: 8 bytes for each unit in the window, up to twice that. Always a power of two. */
export class StampRing {
  #times = new Float64Array(CAPACITY_AT_FIRST);
  /** Where the next stamp goes. */
  #next = 0;
  #count = 0;

  get count(): number {
    return this.#count;
  }

  /** The n-th latest, 1 ≤ n ≤ count. */
  latest(n: number): number {
    return this.#times[(this.#next - n) & (this.#times.length - 1)];
  }

  get newest(): number {
    return this.latest(1);
  }

  get oldest(): number {
    return this.latest(this.#count);
  }

  /** Forgets the stamps at or before this time. Each is forgotten once, so it costs a push no more than a constant on average. */
  dropThrough(timeUs: number): void {
    while (this.#count > 0 && this.oldest <= timeUs) this.#count--;
  }

  push(stampUs: number, copies: number): void {
    if (this.#count + copies > this.#times.length) this.#grow(this.#count + copies);
    for (let i = 0; i < copies; i++) {
      this.#times[this.#next] = stampUs;
      this.#next = (this.#next + 1) & (this.#times.length - 1);
    }
    this.#count += copies;
  }

  /** Moves every stamp back by this much. */
  shift(byUs: number): void {
    for (let i = 0; i < this.#times.length; i++) this.#times[i] -= byUs;
  }

  #grow(count: number): void {
    const larger = new Float64Array(2 ** Math.ceil(Math.log2(count)));
    for (let i = 0; i < this.#count; i++) larger[i] = this.latest(this.#count - i);
    this.#times = larger;
    this.#next = this.#count;
  }
}
