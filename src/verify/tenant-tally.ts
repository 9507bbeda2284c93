/** Recently seen tenants that are found again by their bytes; a power of two. */
const SLOTS = 256;

/** Counts tenants by the bytes that spell them: no string is made for one that was seen lately. Memory grows with the tenants. */
export class TenantTally {
  readonly #bytes: Uint8Array;
  /** Number of a tenant, plus one; 0 = free. */
  readonly #slots = new Uint32Array(SLOTS);
  readonly #numbers = new Map<string, number>();
  /** Where a tenant's spelling was seen first, and how often by now. */
  readonly #froms: number[] = [];
  readonly #ends: number[] = [];
  readonly #counts: number[] = [];

  /** `bytes` must keep what was counted until `take`. */
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  count(from: number, end: number): void {
    const bytes = this.#bytes;
    let slot = end - from;
    for (let i = from; i < end; i++) slot = (Math.imul(slot, 31) + bytes[i]) | 0;
    slot &= SLOTS - 1;
    const seen = this.#slots[slot] - 1;
    if (seen >= 0 && this.#isSame(seen, from, end)) this.#counts[seen]++;
    else this.#countUnseen(slot, from, end);
  }

  /** Spelling (latin1) and count of each, in the order in which they appeared; then it counts from nothing. */
  take(): [string, number][] {
    const taken = [...this.#numbers].map(([text, number]): [string, number] => [text, this.#counts[number]]);
    if (taken.length === 0) return taken;
    this.#slots.fill(0);
    this.#numbers.clear();
    for (const list of [this.#froms, this.#ends, this.#counts]) list.length = 0;
    return taken;
  }

  #isSame(number: number, from: number, end: number): boolean {
    const [bytes, seen] = [this.#bytes, this.#froms[number]];
    if (this.#ends[number] - seen !== end - from) return false;
    for (let i = 0; i < end - from; i++) if (bytes[seen + i] !== bytes[from + i]) return false;
    return true;
  }

  #countUnseen(slot: number, from: number, end: number): void {
    const text = Buffer.from(this.#bytes.buffer, this.#bytes.byteOffset + from, end - from).toString('latin1');
    let number = this.#numbers.get(text);
    if (number === undefined) {
      number = this.#counts.length;
      this.#numbers.set(text, number);
      this.#froms.push(from);
      this.#ends.push(end);
      this.#counts.push(0);
    }
    this.#counts[number]++;
    this.#slots[slot] = number + 1;
  }
}
