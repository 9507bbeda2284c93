import type { Op } from './patch.ts';
import { type Span, WINDOW_BYTES, windows } from './span.ts';

/** Equal bytes between two changes that are cheaper under the mask than as a copy and one op more. */
const GAP_BYTES_MAX = 3;
/** More runs in a window are one change: what is equal between them costs less as zeros than all those ops. */
const RUNS_MAX = 8192;
/** Compared at once. */
const BLOCK_BYTES = 4 * 1024;
/** Longer runs begin and end where numbers do, so that the planes of their bytes stay apart. */
const LONG_RUN_BYTES = 64;
const NUMBER_BYTES = 8;

/** What changed in place, between two stretches of the same length. Each mask is of use until the next op is asked for. */
export async function* alignedOps(old: Span, now: Span): AsyncGenerator<Op, void, undefined> {
  const bytes = now.to - now.from;
  for (let at = 0; at < bytes; at += WINDOW_BYTES) {
    const length = Math.min(WINDOW_BYTES, bytes - at);
    yield* windowOps(...(await windows(old, now, at, length)));
  }
}

/** The same for bytes in memory. The masks stand in place of the old bytes, which are lost: there may be as many of them as of the content. */
export function* windowOps(a: Uint8Array, b: Uint8Array): Generator<Op, void, undefined> {
  const runs = Buffer.compare(a, b) === 0 ? [] : differingRuns(a, b);
  let at = 0;
  for (let i = 0; i < runs.length; i += 2) {
    const [from, to] = [runs[i], runs[i + 1]];
    yield { kind: 'copy', length: from - at };
    for (let j = from; j < to; j++) a[j] ^= b[j];
    yield { kind: 'xor', mask: a.subarray(from, to) };
    at = to;
  }
  yield { kind: 'copy', length: b.length - at };
}

/** Where the changes begin and end, in turn. */
function differingRuns(a: Uint8Array, b: Uint8Array): number[] {
  const runs: number[] = [];
  for (let at = 0; at < b.length; at += BLOCK_BYTES) {
    const end = Math.min(at + BLOCK_BYTES, b.length);
    if (Buffer.compare(a.subarray(at, end), b.subarray(at, end)) === 0) continue;
    for (let i = at; i < end; i++) {
      if (a[i] === b[i]) continue;
      if (runs.length > 0 && i - runs[runs.length - 1] <= GAP_BYTES_MAX) runs[runs.length - 1] = i + 1;
      else runs.push(i, i + 1);
    }
  }
  return runs.length > 2 * RUNS_MAX ? onNumbers([runs[0], runs[runs.length - 1]], b.length) : onNumbers(runs, b.length);
}

function onNumbers(runs: readonly number[], end: number): number[] {
  const out: number[] = [];
  for (let i = 0; i < runs.length; i += 2) {
    let [from, to] = [runs[i], runs[i + 1]];
    if (to - from >= LONG_RUN_BYTES) {
      from -= from % NUMBER_BYTES;
      to = Math.min(end, Math.ceil(to / NUMBER_BYTES) * NUMBER_BYTES);
    }
    if (out.length > 0 && from <= out[out.length - 1]) out[out.length - 1] = Math.max(to, out[out.length - 1]);
    else out.push(from, to);
  }
  return out;
}
