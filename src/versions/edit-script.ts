import type { Op } from './patch.ts';

/**
 * The cheapest ops between two short contents, by dynamic programming over all of them (Gotoh's, with two kinds of gap). What an op costs in
 * the compressed file is estimated, in eighths of a byte; found by trying values on real series.
 */
const OPEN = 20;
const SPLICED = 5;
const XOR_CHANGED = 8;
const XOR_SAME = 2;

/** Cells of the table, a byte each: 2 ms or so. */
export const CELLS_MAX = 512 * 512;

const FAR = 1 << 28;
/** What the bytes at a cell are part of. */
const COPY = 0;
const SPLICE = 1;
const XOR = 2;
/** Bits of a cell: the state before a copy (2), before a splice (2), whether that took a new byte (1), the state before an xor (2). */
const SPLICE_SHIFT = 2;
const INSERT_BIT = 16;
const XOR_SHIFT = 5;

/** `old.length * now.length` is at most CELLS_MAX. */
export function editScript(old: Uint8Array, now: Uint8Array): Op[] {
  const trace = new Uint8Array((old.length + 1) * (now.length + 1));
  return fromTrace(trace, fill(trace, old, now), old, now);
}

/** Fills the table; answers the state of the last cell on the cheapest way. */
function fill(trace: Uint8Array, old: Uint8Array, now: Uint8Array): number {
  const width = now.length + 1;
  // Costs of the row above and of this one, by state.
  let [copyUp, spliceUp, xorUp] = [new Int32Array(width), new Int32Array(width), new Int32Array(width)];
  let [copy, splice, xor] = [new Int32Array(width), new Int32Array(width), new Int32Array(width)];
  for (let i = 0; i <= old.length; i++) {
    // No arrays in here, not even for two values: this runs for every cell.
    for (let j = 0; j < width; j++) {
      let cell = 0;
      let copyCost = i + j === 0 ? 0 : FAR;
      let spliceCost = FAR;
      let xorCost = FAR;
      if (i > 0 && j > 0) {
        const c = copyUp[j - 1];
        const s = spliceUp[j - 1];
        const x = xorUp[j - 1];
        const isSame = old[i - 1] === now[j - 1];
        if (isSame) {
          copyCost = Math.min(c, s, x);
          cell = cheapest(c, s, x);
        }
        const opened = OPEN + Math.min(c, s);
        xorCost = (isSame ? XOR_SAME : XOR_CHANGED) + Math.min(x, opened);
        cell |= (x <= opened ? XOR : c <= s ? COPY : SPLICE) << XOR_SHIFT;
      }
      if (i > 0) {
        const c = copyUp[j] + OPEN;
        const s = spliceUp[j];
        const x = xorUp[j] + OPEN;
        spliceCost = SPLICED + Math.min(c, s, x);
        cell |= cheapest(c, s, x) << SPLICE_SHIFT;
      }
      if (j > 0) {
        const c = copy[j - 1] + OPEN;
        const s = splice[j - 1];
        const x = xor[j - 1] + OPEN;
        if (SPLICED + Math.min(c, s, x) < spliceCost) {
          spliceCost = SPLICED + Math.min(c, s, x);
          cell = (cell & ~(3 << SPLICE_SHIFT)) | (cheapest(c, s, x) << SPLICE_SHIFT) | INSERT_BIT;
        }
      }
      trace[i * width + j] = cell;
      copy[j] = copyCost;
      splice[j] = spliceCost;
      xor[j] = xorCost;
    }
    [copyUp, spliceUp, xorUp, copy, splice, xor] = [copy, splice, xor, copyUp, spliceUp, xorUp];
  }
  return cheapest(copyUp[now.length], spliceUp[now.length], xorUp[now.length]);
}

function cheapest(copy: number, splice: number, xor: number): number {
  if (copy <= splice && copy <= xor) return COPY;
  return splice <= xor ? SPLICE : XOR;
}

/** Walks back from the end. */
function fromTrace(trace: Uint8Array, last: number, old: Uint8Array, now: Uint8Array): Op[] {
  const ops: Op[] = [];
  let [i, j, state] = [old.length, now.length, last];
  while (i > 0 || j > 0) {
    const [iEnd, jEnd, kind] = [i, j, state];
    while (state === kind && (i > 0 || j > 0)) {
      const cell = trace[i * (now.length + 1) + j];
      if (kind === SPLICE) {
        state = (cell >> SPLICE_SHIFT) & 3;
        if ((cell & INSERT_BIT) === 0) i--;
        else j--;
      } else {
        state = kind === COPY ? cell & 3 : cell >> XOR_SHIFT;
        i--;
        j--;
      }
    }
    if (kind === COPY) ops.push({ kind: 'copy', length: iEnd - i });
    else if (kind === SPLICE)
      ops.push({ kind: 'splice', removed: new Uint8Array(old.subarray(i, iEnd)), inserted: new Uint8Array(now.subarray(j, jEnd)) });
    else ops.push({ kind: 'xor', mask: xorOf(old.subarray(i, iEnd), now.subarray(j, jEnd)) });
  }
  return ops.reverse();
}

function xorOf(a: Uint8Array, b: Uint8Array): Uint8Array {
  const mask = new Uint8Array(a.length);
  for (let i = 0; i < mask.length; i++) mask[i] = a[i] ^ b[i];
  return mask;
}
