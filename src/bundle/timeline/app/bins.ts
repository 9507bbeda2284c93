import { chooseBinStep, floorToStep, type Span } from './time-axis.ts';
import type { Zone } from './time-format.ts';

/** Counts per bin and stack group. */
export interface Bins {
  readonly stepMs: number;
  readonly startMs: number;
  /** Number of bins. */
  readonly length: number;
  readonly groups: number;
  /** counts[bin * groups + group] */
  readonly counts: Uint32Array;
  readonly totals: Uint32Array;
}

/** More bars than that are thinner than the eye needs. */
const BINS_MAX = 260;

/** Counts `indices` into bins. `timeOf` and `groupOf` are looked up per index; events beyond the span are not counted. */
export function countBins(
  indices: ArrayLike<number>,
  timesMs: ArrayLike<number>,
  groupOf: ArrayLike<number>,
  options: { readonly span: Span; readonly zone: Zone; readonly groups: number },
): Bins {
  const { span, zone, groups } = options;
  const stepMs = chooseBinStep(span, BINS_MAX);
  const startMs = floorToStep(span.fromMs, stepMs, zone);
  const length = Math.max(1, Math.ceil((span.toMs - startMs) / stepMs));
  const counts = new Uint32Array(length * groups);
  const totals = new Uint32Array(length);
  for (let i = 0; i < indices.length; i++) {
    const index = indices[i];
    const ms = timesMs[index];
    if (!(ms >= span.fromMs && ms <= span.toMs)) continue;
    const bin = Math.min(length - 1, Math.floor((ms - startMs) / stepMs));
    counts[bin * groups + groupOf[index]]++;
    totals[bin]++;
  }
  return { stepMs, startMs, length, groups, counts, totals };
}

export interface Peak {
  readonly bin: number;
  readonly count: number;
  readonly atMs: number;
  readonly stepMs: number;
  /** Where another bin is just as full; undefined when none is. */
  readonly againAtMs: number | undefined;
  /** Median over all bins from the first to the last that holds an event. */
  readonly median: number;
}

/** The fullest bin (the first of equals, with where the last of them is); undefined when there is nothing to compare. */
export function findPeak(bins: Bins): Peak | undefined {
  const filled: number[] = [];
  for (let bin = 0; bin < bins.length; bin++) if (bins.totals[bin] > 0) filled.push(bin);
  if (filled.length < 2) return undefined;
  const between = bins.totals.slice(filled[0], filled[filled.length - 1] + 1).sort();
  let bin = filled[0];
  for (const candidate of filled) if (bins.totals[candidate] > bins.totals[bin]) bin = candidate;
  const again = bins.totals.lastIndexOf(bins.totals[bin]);
  return {
    bin,
    count: bins.totals[bin],
    atMs: bins.startMs + bin * bins.stepMs,
    stepMs: bins.stepMs,
    againAtMs: again === bin ? undefined : bins.startMs + again * bins.stepMs,
    median: between[Math.floor(between.length / 2)],
  };
}

export interface Burst extends Span {
  readonly count: number;
}

/** Bins this full, compared with the fullest, belong to a burst … */
const BURST_SHARE = 0.2;
/** … when they also stand out from the usual by this factor. */
const BURST_FACTOR = 2;
/** A single emptier bin does not end a burst. */
const BURST_GAP_BINS = 1;
/** Bursts all over the place are the normal state. */
const BURST_COVER_MAX = 0.6;

/** Stretches of high rate, the ones with most events first: the longest attack is not always the one with the highest bar. */
export function findBursts(bins: Bins, peak: Peak, max: number): Burst[] {
  const least = Math.max(2, peak.count * BURST_SHARE, peak.median * BURST_FACTOR);
  const runs: { from: number; to: number; count: number }[] = [];
  for (let bin = 0; bin < bins.length; bin++) {
    if (bins.totals[bin] < least) continue;
    const last = runs.at(-1);
    if (last === undefined || bin - last.to > BURST_GAP_BINS) runs.push({ from: bin, to: bin + 1, count: bins.totals[bin] });
    else {
      for (let between = last.to; between <= bin; between++) last.count += bins.totals[between];
      last.to = bin + 1;
    }
  }
  const covered = runs.reduce((sum, run) => sum + run.to - run.from, 0);
  if (covered > BURST_COVER_MAX * bins.length) return [];
  const at = (bin: number): number => bins.startMs + bin * bins.stepMs;
  return runs
    .toSorted((a, b) => b.count - a.count || a.from - b.from)
    .slice(0, max)
    .map(({ from, to, count }) => ({ fromMs: at(from), toMs: at(to), count }));
}

/** Round numbers for at most `max` lines from 0 to at least `top`. */
export function countTicks(top: number, max: number): number[] {
  const want = Math.max(1, top / max);
  const power = 10 ** Math.floor(Math.log10(want));
  const step = [1, 2, 5, 10].map((n) => n * power).find((n) => n >= want) ?? want;
  const lines: number[] = [];
  for (let at = 0; at < top + step && lines.length <= max + 1; at += step) lines.push(at);
  return lines;
}
