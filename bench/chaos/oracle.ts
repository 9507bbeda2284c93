/** One limit of one decision, as the server's decision log has it. Decisions of a key stand in the order in which they were made. */
export interface LoggedClaim {
  readonly key: string;
  readonly limit: number;
  readonly windowUs: number;
  readonly isDryRun: boolean;
}

export interface LoggedDecision {
  readonly claims: readonly LoggedClaim[];
  readonly cost: number;
  /** Time of the decision on the store's clock. */
  readonly atUs: number;
  readonly isAdmitted: boolean;
  /** Refused because the store was away or the table full: a fault, and no statement about the limit. */
  readonly isFault: boolean;
}

/** Not over, and this share of the limit or more taken after the request: near the limit, where mistakes would show. */
const NEAR_SHARE = 0.9;

export interface Accuracy {
  readonly decisions: number;
  /** Requests that the definition refuses, given everything admitted before: H + c > R for some limit. */
  readonly over: number;
  readonly falseNegatives: number;
  readonly notOver: number;
  readonly nearLimit: number;
  readonly falsePositives: number;
  /** Refused because of a fault although not over; not among the false positives, but in the strict total. */
  readonly faultDenials: number;
  /** The most that any key held right after an admission, beyond its limit; 0 when never more. */
  readonly mostOver: number;
}

/** One decision judged, for whoever draws it. */
export interface Judged {
  readonly decision: LoggedDecision;
  readonly isOver: boolean;
  /** Of its limits the fullest after it, as a share. */
  readonly fullest: number;
}

interface Window {
  readonly atUs: number[];
  readonly cost: number[];
  /** Stamps before this one have left every window to come. */
  first: number;
  held: number;
}

/**
 * Judges decisions by the definition, conditional on history: H(r) is the cost admitted for the key with a stamp in (s − τ, s], in decision
 * order, whoever was right about it. A false negative is admitted and over; a false positive refused and not over.
 */
export function judge(decisions: Iterable<LoggedDecision>, each?: (judged: Judged) => void): Accuracy {
  const windows = new Map<string, Window>();
  const sums = { decisions: 0, over: 0, falseNegatives: 0, notOver: 0, nearLimit: 0, falsePositives: 0, faultDenials: 0, mostOver: 0 };
  for (const decision of decisions) {
    const { claims, cost, atUs, isAdmitted, isFault } = decision;
    sums.decisions++;
    let [isOver, isNear, fullest] = [false, false, 0];
    const fits = claims.map(({ key, limit, windowUs, isDryRun }) => {
      let window = windows.get(key);
      if (window === undefined) windows.set(key, (window = { atUs: [], cost: [], first: 0, held: 0 }));
      while (window.first < window.atUs.length && window.atUs[window.first] <= atUs - windowUs) window.held -= window.cost[window.first++];
      const after = window.held + cost;
      if (!isDryRun && after > limit) isOver = true;
      if (!isDryRun && after >= limit * NEAR_SHARE) isNear = true;
      if (!isDryRun) fullest = Math.max(fullest, (isAdmitted ? after : window.held) / limit);
      if (!isDryRun && isAdmitted) sums.mostOver = Math.max(sums.mostOver, after - limit);
      return { window, isCharged: after <= limit || !isDryRun };
    });
    if (isOver) sums.over++;
    else sums.notOver++;
    if (!isOver && isNear) sums.nearLimit++;
    if (isAdmitted && isOver) sums.falseNegatives++;
    if (!isAdmitted && !isOver && isFault) sums.faultDenials++;
    if (!isAdmitted && !isOver && !isFault) sums.falsePositives++;
    each?.({ decision, isOver, fullest });
    if (!isAdmitted) continue;
    for (const { window, isCharged } of fits) {
      if (!isCharged) continue;
      window.atUs.push(atUs);
      window.cost.push(cost);
      window.held += cost;
    }
  }
  return sums;
}

/** Upper end of the 95 % confidence interval of a rate (Wilson score); with none of n seen about 3.8 / n. */
export function rateBound(seen: number, n: number): number {
  if (n === 0) return 1;
  const z = 1.96;
  const p = seen / n;
  const centre = p + (z * z) / (2 * n);
  const spread = z * Math.sqrt((p * (1 - p)) / n + (z * z) / (4 * n * n));
  return Math.min(1, (centre + spread) / (1 + (z * z) / n));
}

/** What a client knows of one request of one key; no clock of the server is in it. */
export interface ClientView {
  readonly sentUs: number;
  readonly receivedUs: number;
  readonly cost: number;
  readonly isAdmitted: boolean;
  /** No answer came: it may have been admitted. */
  readonly isUnknown?: boolean;
}

export interface Certainties {
  /** The most cost that certainly was admitted within less than one window. */
  readonly mostCertain: number;
  /** Windows in which that is more than the limit. */
  readonly overAdmissions: number;
  /** Refusals although, even if everything that may overlap counts, there was room. */
  readonly falseDenials: number;
}

/**
 * Two checks that trust no server: more than the limit admitted by requests that lie wholly inside an interval shorter than the window, and
 * refusals with room whatever order the overlapping requests came in. Requests of one key, none of which took as long as a window.
 */
export function judgeByClient(requests: readonly ClientView[], limit: number, windowUs: number): Certainties {
  const admitted = requests.filter(({ isAdmitted }) => isAdmitted);
  const bySent = prefixSums(admitted.map(({ sentUs, cost }) => [sentUs, cost]));
  const byReceived = prefixSums(admitted.map(({ receivedUs, cost }) => [receivedUs, cost]));
  const maybeBySent = prefixSums(
    requests.filter(({ isAdmitted, isUnknown }) => isAdmitted || isUnknown).map(({ sentUs, cost }) => [sentUs, cost]),
  );
  let [mostCertain, overAdmissions, falseDenials] = [0, 0, 0];
  for (const { sentUs } of admitted) {
    // Sent at or after this one, and answered less than a window after it was sent.
    const certain = byReceived.before(sentUs + windowUs) - bySent.before(sentUs);
    mostCertain = Math.max(mostCertain, certain);
    if (certain > limit) overAdmissions++;
  }
  for (const { sentUs, receivedUs, cost, isAdmitted, isUnknown } of requests) {
    if (isAdmitted || isUnknown === true) continue;
    const possible = maybeBySent.upTo(receivedUs) - byReceived.upTo(sentUs - windowUs);
    if (possible + cost <= limit) falseDenials++;
  }
  return { mostCertain, overAdmissions, falseDenials };
}

/** Sums of costs by time. */
function prefixSums(pairs: readonly (readonly [timeUs: number, cost: number])[]): {
  before(timeUs: number): number;
  upTo(timeUs: number): number;
} {
  const sorted = pairs.toSorted(([a], [b]) => a - b);
  const times = sorted.map(([timeUs]) => timeUs);
  const sums = [0];
  for (const [, cost] of sorted) sums.push(sums[sums.length - 1] + cost);
  /** How many times fulfil it; they ascend. */
  const count = (isIncluded: (timeUs: number) => boolean): number => {
    let [low, high] = [0, times.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (isIncluded(times[middle])) low = middle + 1;
      else high = middle;
    }
    return low;
  };
  return { before: (timeUs) => sums[count((each) => each < timeUs)], upTo: (timeUs) => sums[count((each) => each <= timeUs)] };
}
