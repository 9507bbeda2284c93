import fc from 'fast-check';
import { charge, type Stamps, viewWindow } from '../../src/limiter/window.ts';

/** A trace of one key. Traces of a group share their times, so that a store can be asked about all of them at one moment. */
export interface WindowCase {
  readonly limit: number;
  readonly windowUs: number;
  /** Time and cost of each request; times do not go back. */
  readonly requests: readonly (readonly [timeUs: number, cost: number])[];
}

/** Of each request whether it is admitted, and what remained before it. */
export type WindowAnswer = readonly (readonly [isAdmitted: boolean, remaining: number])[];

export const WINDOW_GROUP_CASES = 500;
const REQUESTS = 12;
/** Gaps and windows are of one size: a third of the requests come exactly when a stamp leaves, just before or just after. */
const GAP_US_MAX = 9;
const WINDOW_US_MAX = 20;
const LIMIT_MAX = 6;
/** More than the limit: such a request is never admitted. */
const COST_MAX = LIMIT_MAX + 1;

const rule = fc.record({
  limit: fc.nat(LIMIT_MAX),
  windowUs: fc.integer({ min: 1, max: WINDOW_US_MAX }),
  costs: fc.array(fc.oneof({ weight: 3, arbitrary: fc.constant(1) }, fc.integer({ min: 1, max: COST_MAX })), {
    minLength: REQUESTS,
    maxLength: REQUESTS,
  }),
});

export const windowGroups: fc.Arbitrary<readonly WindowCase[]> = fc
  .record({
    gaps: fc.array(fc.nat(GAP_US_MAX), { minLength: REQUESTS, maxLength: REQUESTS }),
    rules: fc.array(rule, { minLength: WINDOW_GROUP_CASES, maxLength: WINDOW_GROUP_CASES }),
  })
  .map(({ gaps, rules }) => {
    let timeUs = 0;
    const times = gaps.map((gap) => (timeUs += gap));
    return rules.map(({ limit, windowUs, costs }) => ({
      limit,
      windowUs,
      requests: times.map((time, i) => [time, costs[i]] as const),
    }));
  });

/** What ships. */
export function windowAnswer({ limit, windowUs, requests }: WindowCase): WindowAnswer {
  const rule = { limit, windowUs };
  let stamps: Stamps = [];
  return requests.map(([timeUs, cost]) => {
    const { isAdmitted, remaining } = viewWindow(stamps, rule, cost, timeUs);
    stamps = charge(stamps, rule, cost, timeUs);
    return [isAdmitted, remaining] as const;
  });
}
