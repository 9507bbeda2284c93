import { alignedOps } from './diff-aligned.ts';
import { type Budget, isXorSmaller, NEAR_BYTES_MAX, nearOps, newBudget } from './diff-near.ts';
import { farAnchors } from './far-anchors.ts';
import type { Op } from './patch.ts';
import { commonEnd, commonStart, type Span, windows } from './span.ts';

/** What the anchors left open is searched again, more finely, so often at most. */
const DEPTH_MAX = 6;
/** Of a replaced stretch, so much is held at a time of each side. */
const REPLACED_BYTES = 128 * 1024;

/** What changed between two stretches of any length: copies of what stands in both, in the same order, and the rest by splices and masks. */
export async function* matchedOps(old: Span, now: Span, budget = newBudget(), depth = 0): AsyncGenerator<Op, void, undefined> {
  const start = await commonStart(old, now);
  if (start > 0) yield { kind: 'copy', length: start };
  const [oldRest, nowRest] = [
    { ...old, from: old.from + start },
    { ...now, from: now.from + start },
  ];
  const end = await commonEnd(oldRest, nowRest);
  yield* middleOps({ ...oldRest, to: old.to - end }, { ...nowRest, to: now.to - end }, budget, depth);
  if (end > 0) yield { kind: 'copy', length: end };
}

/**
 * Of two contents of the same length: false when whatever stands in both stands at the same place, so that a change in place is as good as
 * any other. True also of contents that are short enough for that to be seen on the way.
 */
export async function hasMoved(old: Span, now: Span): Promise<boolean> {
  const [start, end] = [await commonStart(old, now), await commonEnd(old, now)];
  if (now.to - now.from - start - end <= NEAR_BYTES_MAX) return true;
  const { olds, nows, count } = await farAnchors(
    { ...old, from: old.from + start, to: old.to - end },
    { ...now, from: now.from + start, to: now.to - end },
  );
  for (let i = 0; i < count; i++) if (olds[i] !== nows[i]) return true;
  return false;
}

async function* middleOps(old: Span, now: Span, budget: Budget, depth: number): AsyncGenerator<Op, void, undefined> {
  const [oldBytes, nowBytes] = [old.to - old.from, now.to - now.from];
  if (Math.max(oldBytes, nowBytes) <= NEAR_BYTES_MAX)
    yield* nearOps(...(await Promise.all([old.content.window(old.from, oldBytes), now.content.window(now.from, nowBytes)])), budget);
  else if (oldBytes > 0 && nowBytes > 0 && depth < DEPTH_MAX) yield* anchoredOps(old, now, budget, depth);
  else yield* replacedStretch(old, now);
}

async function* anchoredOps(old: Span, now: Span, budget: Budget, depth: number): AsyncGenerator<Op, void, undefined> {
  const { olds, nows, count } = await farAnchors(old, now);
  let [oldAt, nowAt] = [old.from, now.from];
  let isAnchored = false;
  for (let i = 0; i < count; i++) {
    const [oldAnchor, nowAnchor] = [old.from + olds[i], now.from + nows[i]];
    // An anchor within what the one before it grew into.
    if (oldAnchor <= oldAt || nowAnchor <= nowAt) continue;
    const length = await commonStart({ ...old, from: oldAnchor }, { ...now, from: nowAnchor });
    yield* matchedOps({ ...old, from: oldAt, to: oldAnchor }, { ...now, from: nowAt, to: nowAnchor }, budget, depth + 1);
    yield { kind: 'copy', length };
    [oldAt, nowAt] = [oldAnchor + length, nowAnchor + length];
    isAnchored = true;
  }
  const rest: [Span, Span] = [
    { ...old, from: oldAt },
    { ...now, from: nowAt },
  ];
  yield* isAnchored ? matchedOps(...rest, budget, depth + 1) : replacedStretch(...rest);
}

/** Nothing of the one was found in the other. */
async function* replacedStretch(old: Span, now: Span): AsyncGenerator<Op, void, undefined> {
  const [oldBytes, nowBytes] = [old.to - old.from, now.to - now.from];
  if (oldBytes === nowBytes && isXorSmaller(...(await windows(old, now, 0, Math.min(REPLACED_BYTES, nowBytes))))) {
    yield* alignedOps(old, now);
    return;
  }
  const windowOf = (span: Span, at: number): Promise<Uint8Array> =>
    span.content.window(span.from + at, Math.max(0, Math.min(REPLACED_BYTES, span.to - span.from - at)));
  for (let at = 0; at < Math.max(oldBytes, nowBytes); at += REPLACED_BYTES) {
    const [removed, inserted] = await Promise.all([windowOf(old, at), windowOf(now, at)]);
    // Zeros and other periods have no anchors, but they are often the same here too.
    if (Buffer.compare(removed, inserted) === 0) yield { kind: 'copy', length: removed.length };
    else yield { kind: 'splice', removed: new Uint8Array(removed), inserted: new Uint8Array(inserted) };
  }
}
