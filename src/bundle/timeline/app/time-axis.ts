import { offsetMs, type Zone } from './time-format.ts';

/** A half-open stretch of time, ms since the epoch. */
export interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}

const MILLISECOND = 1;
const SECOND = 1000 * MILLISECOND;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Distances of axis ticks. */
const STEPS_MS: readonly number[] = [
  ...[1, 2, 5, 10, 20, 50, 100, 200, 500].map((n) => n * MILLISECOND),
  ...[1, 2, 5, 10, 15, 30].map((n) => n * SECOND),
  ...[1, 2, 5, 10, 15, 30].map((n) => n * MINUTE),
  ...[1, 2, 3, 6, 12].map((n) => n * HOUR),
  ...[1, 2, 7, 14, 28, 91, 364, 3640].map((n) => n * DAY),
];

/** Bars have lengths that people have a feeling for: "in one minute", not "in 30 seconds". */
const BIN_STEPS_MS: readonly number[] = [
  ...[1, 10, 100].map((n) => n * MILLISECOND),
  ...[1, 5, 10].map((n) => n * SECOND),
  ...[1, 5, 10].map((n) => n * MINUTE),
  ...[1, 6].map((n) => n * HOUR),
  ...[1, 7, 28, 364, 3640].map((n) => n * DAY),
];

/** The smallest step for bars that cuts the span into at most `binsMax` of them. */
export function chooseBinStep(span: Span, binsMax: number): number {
  return smallestStep(BIN_STEPS_MS, span, binsMax);
}

function smallestStep(stepsMs: readonly number[], span: Span, piecesMax: number): number {
  const want = (span.toMs - span.fromMs) / Math.max(1, piecesMax);
  return stepsMs.find((step) => step >= want) ?? Math.ceil(want / DAY) * DAY;
}

/** Start of the step that holds `ms`, counted on the zone's wall clock so that days and hours begin where people expect them. */
export function floorToStep(ms: number, stepMs: number, zone: Zone): number {
  const shift = zone === 'utc' ? 0 : offsetMs(ms);
  return Math.floor((ms - shift) / stepMs) * stepMs + shift;
}

/** Ticks on round times inside the span. */
export function ticks(span: Span, ticksMax: number, zone: Zone): { readonly stepMs: number; readonly atMs: readonly number[] } {
  const stepMs = smallestStep(STEPS_MS, span, ticksMax);
  const atMs: number[] = [];
  for (let at = floorToStep(span.fromMs, stepMs, zone) + stepMs; at <= span.toMs && atMs.length <= ticksMax; at += stepMs) atMs.push(at);
  return { stepMs, atMs };
}

/** Why the axis shows what it shows. */
export type AxisReason = 'window' | 'fitted' | 'outside';

export interface Axis {
  readonly span: Span;
  readonly reason: AxisReason;
  /** From the first to the last event that counts (not a wrong clock). */
  readonly core: Span;
  /** Events whose time lies beyond the axis, left and right. */
  readonly before: number;
  readonly after: number;
}

/** Below this share of the window the events would be a spike without a shape. */
const WINDOW_SHARE_MIN = 0.25;
/** Times this far out on either side are taken for wrong clocks … */
const OUTLIER_SHARE = 0.005;
/** … when leaving them out makes the axis this many times shorter. */
const OUTLIER_GAIN_MIN = 4;

/** The stretch the chart shows at first. `sortedMs` are the event times, ascending. */
export function chooseAxis(sortedMs: ArrayLike<number>, window: Span): Axis {
  const n = sortedMs.length;
  if (n === 0) return { span: window, reason: 'window', core: window, before: 0, after: 0 };
  const core = coreOf(sortedMs);
  const isInside = core.fromMs >= window.fromMs && core.toMs <= window.toMs;
  const isWide = core.toMs - core.fromMs >= WINDOW_SHARE_MIN * (window.toMs - window.fromMs);
  if (isInside && isWide) return withOutside(sortedMs, window, core, 'window');
  return withOutside(sortedMs, padded(core), core, isInside ? 'fitted' : 'outside');
}

function coreOf(sortedMs: ArrayLike<number>): Span {
  const n = sortedMs.length;
  const all = { fromMs: sortedMs[0], toMs: sortedMs[n - 1] };
  const cut = Math.floor(n * OUTLIER_SHARE);
  const most = { fromMs: sortedMs[cut], toMs: sortedMs[n - 1 - cut] };
  const gain = (all.toMs - all.fromMs) / Math.max(SECOND, most.toMs - most.fromMs);
  return gain >= OUTLIER_GAIN_MIN ? most : all;
}

/** A little air, so that the first and last bar do not stick to the frame. */
function padded(span: Span): Span {
  const padMs = Math.max((span.toMs - span.fromMs) * 0.02, 500);
  return { fromMs: span.fromMs - padMs, toMs: span.toMs + padMs };
}

function withOutside(sortedMs: ArrayLike<number>, span: Span, core: Span, reason: AxisReason): Axis {
  let [before, after] = [0, 0];
  for (let i = 0; i < sortedMs.length && sortedMs[i] < span.fromMs; i++) before++;
  for (let i = sortedMs.length - 1; i >= 0 && sortedMs[i] > span.toMs; i--) after++;
  return { span, reason, core, before, after };
}
