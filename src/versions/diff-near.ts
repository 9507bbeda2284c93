import { roughBytes } from './compress.ts';
import { windowOps } from './diff-aligned.ts';
import { CELLS_MAX, editScript } from './edit-script.ts';
import { nearAnchors } from './near-anchors.ts';
import type { Op } from './patch.ts';
import { sameEnd, sameStart } from './span.ts';

/** Lengths of the strings that are looked for, one after the other, in what the longer ones left open. */
const ANCHOR_BYTES = [24, 12] as const;

/** Bytes of either content: its tables take 2 MiB. */
export const NEAR_BYTES_MAX = 64 * 1024;

/** Cells of edit scripts in a whole diff: one to two seconds. Then anchors alone have to do. */
const CELLS_TOTAL_MAX = 2 ** 27;

/** What a diff may still spend. */
export interface Budget {
  cells: number;
}

export function newBudget(): Budget {
  return { cells: CELLS_TOTAL_MAX };
}

/** Ops between two contents in memory of at most NEAR_BYTES_MAX each. What they held is lost. */
export function* nearOps(old: Uint8Array, now: Uint8Array, budget: Budget, level = 0): Generator<Op, void, undefined> {
  const start = sameStart(old, now);
  const end = sameEnd(old.subarray(start), now.subarray(start));
  if (start > 0) yield { kind: 'copy', length: start };
  yield* middleOps(old.subarray(start, old.length - end), now.subarray(start, now.length - end), budget, level);
  if (end > 0) yield { kind: 'copy', length: end };
}

function* middleOps(old: Uint8Array, now: Uint8Array, budget: Budget, level: number): Generator<Op, void, undefined> {
  const cells = (old.length + 1) * (now.length + 1);
  if (old.length === 0 || now.length === 0) {
    if (old.length + now.length > 0) yield { kind: 'splice', removed: new Uint8Array(old), inserted: new Uint8Array(now) };
  } else if (cells <= Math.min(CELLS_MAX, budget.cells)) {
    budget.cells -= cells;
    yield* editScript(old, now);
  } else if (level < ANCHOR_BYTES.length) yield* anchoredOps(old, now, budget, level);
  else yield* replacedOps(old, now);
}

function* anchoredOps(old: Uint8Array, now: Uint8Array, budget: Budget, level: number): Generator<Op, void, undefined> {
  const { olds, nows, count } = nearAnchors(old, now, ANCHOR_BYTES[level]);
  let [oldAt, nowAt] = [0, 0];
  for (let i = 0; i < count; i++) {
    // An anchor within what the one before it grew into.
    if (olds[i] < oldAt || nows[i] < nowAt) continue;
    const length = sameStart(old.subarray(olds[i]), now.subarray(nows[i]));
    if (length < ANCHOR_BYTES[level]) continue;
    yield* nearOps(old.subarray(oldAt, olds[i]), now.subarray(nowAt, nows[i]), budget, level + 1);
    yield { kind: 'copy', length };
    [oldAt, nowAt] = [olds[i] + length, nows[i] + length];
  }
  yield* nearOps(old.subarray(oldAt), now.subarray(nowAt), budget, level + 1);
}

/** Nothing of the one was found in the other. */
function* replacedOps(old: Uint8Array, now: Uint8Array): Generator<Op, void, undefined> {
  if (old.length === now.length && isXorSmaller(old, now)) yield* windowOps(old, now);
  else yield { kind: 'splice', removed: new Uint8Array(old), inserted: new Uint8Array(now) };
}

export function isXorSmaller(old: Uint8Array, now: Uint8Array): boolean {
  const mask = new Uint8Array(old.length);
  for (let i = 0; i < mask.length; i++) mask[i] = old[i] ^ now[i];
  return roughBytes(mask) < roughBytes(Buffer.concat([old, now]));
}
