import type { Decision } from './limiter.ts';

/** A limit with this share of its units left, or less, is near. */
const NEAR_SHARE = 0.1;

export interface LimitCounts {
  allowed: number;
  denied: number;
  /** Of the allowed, those after which a tenth of the limit or less was left. */
  near: number;
}

/** What was decided since the start, by plain additions: they stand in the way of every request. */
export class DecisionCounts {
  readonly byLimit = new Map<string, LimitCounts>();
  readonly byOutcome = { allowed: 0, denied: 0, exempt: 0, full: 0, reduced: 0 };
  /** Decided without the shared store. */
  degraded = 0;

  count({ outcome, states, isDegraded }: Decision): void {
    this.byOutcome[outcome]++;
    if (isDegraded) this.degraded++;
    for (const { name, isAdmitted, remaining, limit } of states) {
      let counts = this.byLimit.get(name);
      if (counts === undefined) this.byLimit.set(name, (counts = { allowed: 0, denied: 0, near: 0 }));
      if (!isAdmitted) counts.denied++;
      else {
        counts.allowed++;
        if (remaining <= limit * NEAR_SHARE) counts.near++;
      }
    }
  }
}
