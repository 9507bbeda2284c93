import { longestChain } from './longest-chain.ts';

/** Places where the same bytes stand in both contents, rising in both. */
export interface Anchors {
  readonly olds: ArrayLike<number>;
  readonly nows: ArrayLike<number>;
  readonly count: number;
}

/** Odd, with its bits spread (Knuth's 2^32 divided by the golden ratio). */
const FACTOR = 0x9e37_79b1;
const EMPTY = -1;
const REPEATED = -2;

/** Strings of `k` bytes that stand exactly once in either content: as many of them as keep their order. What has the same hash is not told apart. */
export function nearAnchors(old: Uint8Array, now: Uint8Array, k: number): Anchors {
  const isOldSmaller = old.length <= now.length;
  const [small, large] = isOldSmaller ? [old, now] : [now, old];
  const count = small.length - k + 1;
  if (count <= 0) return { olds: [], nows: [], count: 0 };
  const bits = Math.max(4, 33 - Math.clz32(count));
  const hashes = new Int32Array(1 << bits);
  const inSmall = new Int32Array(1 << bits).fill(EMPTY);
  const inLarge = new Int32Array(1 << bits).fill(EMPTY);
  const slots = new Int32Array(count);
  const slotOf = (hash: number): number => {
    let slot = Math.imul(hash ^ (hash >>> 15), FACTOR) >>> (32 - bits);
    // Half of the slots stay empty: this ends.
    while (inSmall[slot] !== EMPTY && hashes[slot] !== hash) slot = (slot + 1) & (inSmall.length - 1);
    return slot;
  };
  rolling(small, k, (hash, at) => {
    const slot = slotOf(hash);
    hashes[slot] = hash;
    inSmall[slot] = inSmall[slot] === EMPTY ? at : REPEATED;
    slots[at] = slot;
  });
  rolling(large, k, (hash, at) => {
    const slot = slotOf(hash);
    if (inSmall[slot] >= 0) inLarge[slot] = inLarge[slot] === EMPTY ? at : REPEATED;
  });
  const pairs = slots.filter((slot) => inSmall[slot] >= 0 && inLarge[slot] >= 0);
  const chain = longestChain(
    pairs.map((slot) => inLarge[slot]),
    pairs.length,
  );
  const smalls = chain.map((i) => inSmall[pairs[i]]);
  const larges = chain.map((i) => inLarge[pairs[i]]);
  return { olds: isOldSmaller ? smalls : larges, nows: isOldSmaller ? larges : smalls, count: chain.length };
}

/** Visits the hash of every `k` bytes with the place where they begin. */
function rolling(bytes: Uint8Array, k: number, visit: (hash: number, at: number) => void): void {
  let hash = 0;
  let leaving = 1;
  for (let i = 0; i < k - 1; i++) {
    hash = (Math.imul(hash, FACTOR) + bytes[i] + 1) | 0;
    leaving = Math.imul(leaving, FACTOR);
  }
  for (let i = k - 1; i < bytes.length; i++) {
    hash = (Math.imul(hash, FACTOR) + bytes[i] + 1) | 0;
    visit(hash, i - k + 1);
    hash = (hash - Math.imul(leaving, bytes[i - k + 1] + 1)) | 0;
  }
}
