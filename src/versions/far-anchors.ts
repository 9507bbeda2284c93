import { longestChain } from './longest-chain.ts';
import type { Anchors } from './near-anchors.ts';
import { OVERLAP_BYTES_MAX, type Span, WINDOW_BYTES } from './span.ts';

/** Bytes that decide whether a place is an anchor, and that must be the same in both contents. */
const ANCHOR_BYTES = OVERLAP_BYTES_MAX;
/** Anchors that are aimed at in the shorter content: one in 2^n places. */
const AIMED = 2 ** 14;
/** No more are kept: random bytes never come near, made-up ones may. */
const ANCHORS_MAX = 2 * AIMED;
const SLOT_BITS = 16;
const SLOTS = 2 ** SLOT_BITS;
const EMPTY = -1;
const REPEATED = -2;
/** Odd, with its bits spread (2^32 divided by the golden ratio), as a signed number. */
const FACTOR = 0x9e37_79b1 | 0;

/** A number for each byte (splitmix32 from 1 on): sums of them, shifted, are a hash of the last 32 bytes (the gear hash of FastCDC). */
const GEAR = Int32Array.from({ length: 256 }, (_, i) => {
  let x = Math.imul(i + 1, 0x9e37_79b9);
  x = Math.imul(x ^ (x >>> 16), 0x21f0_aaad);
  x = Math.imul(x ^ (x >>> 15), 0x735a_2d97);
  return x ^ (x >>> 15);
});

/** What stands in the shorter content: the hash of a place, where it is there, and where it is in the longer one. */
class AnchorTable {
  readonly #hashes = new Int32Array(SLOTS);
  readonly #inSmall = new Float64Array(SLOTS).fill(EMPTY);
  readonly #inLarge = new Float64Array(SLOTS).fill(EMPTY);
  readonly #slots: number[] = [];

  #slotOf(hash: number): number {
    let slot = Math.imul(hash, FACTOR) >>> (32 - SLOT_BITS);
    // Half of the slots stay empty: this ends.
    while (this.#inSmall[slot] !== EMPTY && this.#hashes[slot] !== hash) slot = (slot + 1) % SLOTS;
    return slot;
  }

  addSmall(hash: number, at: number): void {
    const slot = this.#slotOf(hash);
    if (this.#inSmall[slot] !== EMPTY) this.#inSmall[slot] = REPEATED;
    else if (this.#slots.length < ANCHORS_MAX) {
      this.#slots.push(slot);
      this.#hashes[slot] = hash;
      this.#inSmall[slot] = at;
    }
  }

  addLarge(hash: number, at: number): void {
    const slot = this.#slotOf(hash);
    if (this.#inSmall[slot] >= 0) this.#inLarge[slot] = this.#inLarge[slot] === EMPTY ? at : REPEATED;
  }

  /** What stands once in both, as far as it keeps its order. */
  chain(): { readonly smalls: Float64Array; readonly larges: Float64Array } {
    const pairs = Float64Array.from(this.#slots.filter((slot) => this.#inSmall[slot] >= 0 && this.#inLarge[slot] >= 0));
    const chain = longestChain(
      pairs.map((slot) => this.#inLarge[slot]),
      pairs.length,
    );
    const slots = Float64Array.from(chain, (i) => pairs[i]);
    return { smalls: slots.map((slot) => this.#inSmall[slot]), larges: slots.map((slot) => this.#inLarge[slot]) };
  }
}

/** Anchors of two long stretches, chosen by their content, as places within each. Where the bytes of an anchor end is its place. */
export async function farAnchors(old: Span, now: Span): Promise<Anchors> {
  const isOldSmaller = old.to - old.from <= now.to - now.from;
  const [small, large] = isOldSmaller ? [old, now] : [now, old];
  const bits = Math.max(0, Math.ceil(Math.log2((small.to - small.from) / AIMED)));
  const table = new AnchorTable();
  await visitAnchors(small, bits, (hash, at) => table.addSmall(hash, at));
  await visitAnchors(large, bits, (hash, at) => table.addLarge(hash, at));
  const { smalls, larges } = table.chain();
  return { olds: isOldSmaller ? smalls : larges, nows: isOldSmaller ? larges : smalls, count: smalls.length };
}

/** One place in `2 ** bits`, never two closely one after the other: however the bytes were chosen, the work is bounded. */
async function visitAnchors(span: Span, bits: number, visit: (hash: number, at: number) => void): Promise<void> {
  const mask = bits === 0 ? 0 : -1 << (32 - bits);
  const apart = 2 ** Math.max(0, bits - 3);
  const places = new Int32Array(Math.ceil((WINDOW_BYTES + ANCHOR_BYTES) / apart));
  let next = ANCHOR_BYTES;
  for (let from = span.from; from < span.to; from += WINDOW_BYTES) {
    // What the hashes of the first places of this window are about stands before it.
    const before = Math.min(ANCHOR_BYTES, from - span.from);
    const bytes = await span.content.window(from - before, Math.min(WINDOW_BYTES, span.to - from) + before);
    const offset = from - before - span.from;
    const count = findPlaces(bytes, { mask, apart, first: next - offset }, places);
    for (let i = 0; i < count; i++) visit(hashBefore(bytes, places[i]), places[i] + offset);
    if (count > 0) next = places[count - 1] + apart + offset;
  }
}

/** Writes the places of a window down; answers their number. Every byte of a content goes through here: no calls, no objects. */
function findPlaces(
  bytes: Uint8Array,
  { mask, apart, first }: { readonly mask: number; readonly apart: number; readonly first: number },
  places: Int32Array,
): number {
  const end = bytes.length;
  let count = 0;
  let next = first - 1;
  for (let i = 0, gear = 0; i < end; i++) {
    gear = ((gear << 1) + GEAR[bytes[i]]) | 0;
    if ((gear & mask) === 0 && i >= next) {
      places[count++] = i + 1;
      next = i + apart;
    }
  }
  return count;
}

/** Of the ANCHOR_BYTES before a place, in words. */
function hashBefore(bytes: Uint8Array, at: number): number {
  let hash = 0;
  for (let i = at - ANCHOR_BYTES; i < at; i += 4) {
    const word = bytes[i] | (bytes[i + 1] << 8) | (bytes[i + 2] << 16) | (bytes[i + 3] << 24);
    hash = Math.imul(hash ^ word, FACTOR);
    hash ^= hash >>> 15;
  }
  return hash;
}
