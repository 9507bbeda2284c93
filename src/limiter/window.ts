/**
 * The exact sliding window: of one key, at most `limit` units of cost are admitted in any trailing window (now − windowUs, now], and a
 * request is refused only when the window holds too much for it. A pure model without imports: every store has to decide like it.
 *
 * Times are whole microseconds on one clock that does not go back; a millisecond is too coarse for a window near its limit.
 */
export interface WindowRule {
  /** Units of cost admitted in a window; 0 admits nothing. */
  readonly limit: number;
  /** Length of the window in microseconds. */
  readonly windowUs: number;
}

/** The times of admissions, one for each unit of cost, ascending. What lies outside every window to come may be left out. */
export type Stamps = readonly number[];

/** How the window of a key stands at `nowUs`. */
export interface WindowView {
  readonly isAdmitted: boolean;
  /** Units that could still be admitted at once, before this request. */
  readonly remaining: number;
  /** Until a request of this cost is admitted if nothing else is; 0 when it is admitted now, Infinity when it costs more than the limit. */
  readonly retryAfterUs: number;
  /** Until more units remain than now: until the one of the newest `limit` units in the window that entered first leaves it; 0 for an empty window. */
  readonly resetUs: number;
}

/**
 * Is a request of `cost` ≥ 1 units admitted? It is when, of the newest stamps, the one that would become the (limit + 1)-th latest lies
 * outside the window.
 */
function admits(stamps: Stamps, rule: WindowRule, cost: number, nowUs: number): boolean {
  if (cost > rule.limit) return false;
  const index = stamps.length - (rule.limit - cost + 1);
  return index < 0 || stamps[index] <= nowUs - rule.windowUs;
}

/** The stamps after the decision: a refused request is not charged, and what has left the window is forgotten. */
export function charge(stamps: Stamps, rule: WindowRule, cost: number, nowUs: number): Stamps {
  if (!admits(stamps, rule, cost, nowUs)) return stamps;
  return [...inWindow(stamps, rule, nowUs), ...Array.from({ length: cost }, () => nowUs)];
}

function inWindow(stamps: Stamps, { windowUs }: WindowRule, nowUs: number): Stamps {
  return stamps.filter((stampUs) => stampUs > nowUs - windowUs);
}

export function viewWindow(stamps: Stamps, rule: WindowRule, cost: number, nowUs: number): WindowView {
  const isAdmitted = admits(stamps, rule, cost, nowUs);
  const live = inWindow(stamps, rule, nowUs);
  const blocking = stamps[stamps.length - (rule.limit - cost + 1)];
  return {
    isAdmitted,
    remaining: Math.max(0, rule.limit - live.length),
    retryAfterUs: isAdmitted ? 0 : cost > rule.limit ? Infinity : blocking + rule.windowUs - nowUs,
    resetUs: live.length === 0 || rule.limit === 0 ? 0 : live[live.length - Math.min(live.length, rule.limit)] + rule.windowUs - nowUs,
  };
}

/** A clock that is behind the newest stamp by more than this was set back: time goes on from where it stood, instead of being waited for. */
export const STEP_BACK_US_MAX = 1_000_000;
