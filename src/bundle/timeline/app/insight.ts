import type { Peak } from './bins.ts';
import { topOf, type Dimension, type LogIndex } from './log-index.ts';
import {
  formatClock,
  formatCount,
  formatFull,
  formatMinute,
  formatPercent,
  formatSpan,
  formatStep,
  plural,
  type Zone,
} from './time-format.ts';
import type { Axis, Span } from './time-axis.ts';

/** Below this the fullest bin is no peak worth a word. */
const PEAK_FACTOR_MIN = 1.5;
const PEAK_COUNT_MIN = 5;

/** The chart in one sentence. */
export function peakSentence(peak: Peak | undefined, events: number, zone: Zone): string {
  if (events === 0) return 'No events in this window.';
  if (peak === undefined) return `${plural(events, 'event')}, too few for a rate.`;
  const factor = peak.count / Math.max(1, peak.median);
  const step = formatStep(peak.stepMs);
  if (factor < PEAK_FACTOR_MIN || peak.count < PEAK_COUNT_MIN) return `Steady: never more than ${plural(peak.count, 'event')} in ${step}.`;
  const unit = step.replace(/^one /, '');
  const rounded = factor >= 10 ? Math.round(factor) : Math.round(factor * 10) / 10;
  const none = step.startsWith('one ') ? `; most ${unit}s have none` : `; most stretches of ${unit} have none`;
  const than = peak.median === 0 ? none : ` (${formatCount(rounded)}× the median ${unit})`;
  const again = peak.againAtMs === undefined ? '' : ` and again at ${formatClock(peak.againAtMs, zone, peak.stepMs)}`;
  return `Peak: ${plural(peak.count, 'event')} in ${step} at ${formatMinute(peak.atMs, zone, peak.stepMs)}${again} ${zoneName(zone)}${than}.`;
}

/** A group must make up this share of the peak to be named. */
const SHARE_MIN = 0.2;

export interface PeakCause {
  readonly dimension: Dimension;
  readonly name: string;
  readonly share: string;
}

/** What the peak is made of: the most frequent message pattern and address, when they dominate it. */
export function peakCauses(log: LogIndex, indices: ArrayLike<number>, timesMs: ArrayLike<number>, peak: Peak): PeakCause[] {
  const inside = Array.from(indices).filter((index) => timesMs[index] >= peak.atMs && timesMs[index] < peak.atMs + peak.stepMs);
  const causes: PeakCause[] = [];
  for (const dimension of ['pattern', 'address', 'actor'] as const) {
    const [top] = topOf(log, dimension, inside, 1);
    if (top === undefined || top.count < SHARE_MIN * inside.length) continue;
    causes.push({ dimension, name: top.name, share: formatPercent(top.count, inside.length) });
  }
  return causes;
}

export function zoneName(zone: Zone): string {
  return zone === 'utc' ? 'UTC' : 'local time';
}

/** Why the axis is not simply the window; empty when it is. */
export function axisNote(axis: Axis, window: Span, zone: Zone): string {
  const notes: string[] = [];
  const spanText = formatSpan(axis.core.toMs - axis.core.fromMs);
  if (axis.reason === 'fitted')
    notes.push(`The axis is fitted to the events: ${spanText} of a window of ${formatSpan(window.toMs - window.fromMs)}.`);
  if (axis.reason === 'outside') {
    const [first, last] = [formatFull(axis.core.fromMs, zone), formatFull(axis.core.toMs, zone)];
    notes.push(
      `Imported history: the events are from ${first} to ${last} ${zoneName(zone)}, outside the window in which the ledger received them.`,
    );
  }
  const beyond = axis.before + axis.after;
  if (beyond > 0)
    notes.push(
      `${plural(beyond, 'event')} with times beyond the axis (${formatCount(axis.before)} earlier, ${formatCount(axis.after)} later).`,
    );
  return notes.join(' ');
}
