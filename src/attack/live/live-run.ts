import type { Attack } from '../attack.ts';

/** What docs and design promise. */
export const DETECT_MS_MAX = 200;
/** A run in which the machine held up a thread that only sleeps for longer says nothing about us. */
export const STALL_MS_MAX = 50;

/** One attack on one running sidecar. */
export interface LiveRun {
  /** From the attacker's last system call to the gauge on /metrics; negative when it was seen before the attack was finished. */
  readonly latencyMs: number | undefined;
  /** The longest that the machine held up a thread that only sleeps. */
  readonly stallMs: number;
  /** Why the attack could not be done here, or what stopped it. */
  readonly notPossible?: string;
  readonly prevented?: string;
  /** Not seen, and overwritten by the writer before it had to be: nothing of it was left. */
  readonly isUndone?: boolean;
  /** The sidecar ended before the gauge was read. */
  readonly failed?: string;
  /** What was done. */
  readonly note?: string;
}

/** Runs that say something: the machine was not busy with others, and what was done was still there to be seen. */
export function countedRuns(runs: readonly LiveRun[]): LiveRun[] {
  return runs.filter(({ stallMs, isUndone }) => stallMs <= STALL_MS_MAX && isUndone !== true);
}

/** `p50 / p99 / max (runs)` in milliseconds, or the words that stand for it. */
export function liveText({ live }: Pick<Attack, 'live'>, runs: readonly LiveRun[]): string {
  if (runs.every(({ notPossible }) => notPossible !== undefined)) return 'not possible';
  const counted = countedRuns(runs);
  const latencies = counted.flatMap(({ latencyMs }) => (latencyMs === undefined ? [] : [latencyMs])).toSorted((a, b) => a - b);
  const disturbed = runs.filter(({ stallMs }) => stallMs > STALL_MS_MAX).length;
  const undone = runs.length - counted.length - disturbed;
  const count = `${runs.length}${disturbed === 0 ? '' : `, ${disturbed} disturbed`}${undone === 0 ? '' : `, ${undone} overwritten`}`;
  if (live === 'quiet') return latencies.length === 0 ? `quiet (${count})` : `**alarm** (${count})`;
  if (latencies.length === 0) return `${disturbed === runs.length ? 'not measured' : 'not seen'} (${count})`;
  const [p50, p99, max] = [quantile(latencies, 0.5), quantile(latencies, 0.99), latencies[latencies.length - 1]];
  const missed = counted.length - latencies.length;
  const unseen = missed === 0 ? '' : `, ${missed} not seen`;
  return `${Math.round(p50)} / ${Math.round(p99)} / ${Math.round(max)} (${count}${unseen})`;
}

function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
}
