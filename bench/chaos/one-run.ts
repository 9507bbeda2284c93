import { setTimeout as sleep } from 'node:timers/promises';
import { Dice } from '../../test/support/dice.ts';
import { driveLoad, quantile, type LoadRecord } from '../open-loop.ts';
import type { Fault, Verdict } from './faults.ts';
import { judge, judgeByClient, rateBound, type Accuracy, type ClientView, type Judged } from './oracle.ts';
import { limitOfAddress, makePlan, toHttp, type PlannedRequest } from './plan.ts';
import { makeStage, type Stage } from './stage.ts';
import { mergeTraces, noTotals, type TraceTotals } from './trace.ts';

/** Of the requests that were due, so many must have been sent: else the load was another one. */
const SENT_SHARE_MIN = 0.98;
const FALSE_POSITIVES_MAX = 0.001;
const NEAR_LIMIT_MIN = 3000;
const BINS = 120;
/** Slow enough that a sidecar in its first second is not what is measured. */
const WARM_UP_S = 2;
const WARM_UP_PER_S = 200;
const CONNECTIONS = 64;
/** How long a decision waits for Redis: where only that is measured, and where faults are (the default). */
const [PATIENT_MS, IMPATIENT_MS] = [5000, 250];

export interface RunOptions extends Pick<Fault, 'name' | 'what' | 'nodes' | 'store' | 'judgedBy' | 'isAppendOnly' | 'hasStepClock'> {
  readonly expected: Verdict;
  readonly ratePerS: number;
  readonly seconds: number;
  readonly windowS: number;
  readonly seed: number;
  readonly pipelining: number;
  /** A third into the run. */
  readonly inject?: Fault['inject'];
  /** Of the main runs: enough decisions near the limit that nothing seen means something. */
  readonly isStrict: boolean;
}

/** One bin of time: what was decided, the fullest window, and how long answers took. */
export interface Bin {
  readonly second: number;
  admitted: number;
  denied: number;
  faults: number;
  /** Share of its limit that the fullest window held. */
  fullest: number;
  p50Ms: number | null;
  p99Ms: number | null;
}

export interface RunResult {
  readonly name: string;
  readonly what: string;
  readonly expected: Verdict;
  readonly conditions: Readonly<Record<string, string | number>>;
  readonly sentShare: number;
  readonly reachedPerS: number;
  readonly answers: { readonly admitted: number; readonly denied: number; readonly unavailable: number; readonly none: number };
  readonly trace: TraceTotals;
  /** Undefined where the trace is not judged. */
  readonly accuracy: (Accuracy & { readonly falseNegativeBound: number; readonly falsePositiveBound: number }) | undefined;
  readonly certain:
    { readonly requests: number; readonly most: number; readonly overAdmissions: number; readonly falseDenials: number } | undefined;
  readonly latency: { readonly p50Ms: number; readonly p99Ms: number; readonly maxMs: number };
  readonly bins: readonly Bin[];
  /** What is not as expected. */
  readonly failures: readonly string[];
}

/** Load on real sidecars, a fault in it, and all decisions judged afterwards. */
export async function runOnce(options: RunOptions): Promise<RunResult> {
  const { ratePerS, seconds, windowS, seed, nodes, store, inject } = options;
  const plan = makePlan(ratePerS, windowS, seed);
  const { isAppendOnly = false, hasStepClock = false } = options;
  const timeoutMs = inject === undefined ? PATIENT_MS : IMPATIENT_MS;
  await using stage = await makeStage({ limits: plan.limits, nodes, store, isAppendOnly, hasStepClock, timeoutMs });
  await warmUp(stage);
  const requests: PlannedRequest[] = [];
  const dice = new Dice(seed, 1);
  const injected = inject === undefined ? undefined : sleep((seconds * 1000) / 3).then(() => inject(stage, plan.limits));
  const record = await driveLoad({
    urls: stage.urls,
    target: () => dice.below(nodes),
    ratePerS,
    seconds,
    connections: Math.ceil(CONNECTIONS / nodes),
    pipelining: options.pipelining,
    isTolerant: inject !== undefined,
    request: (index) => toHttp((requests[index] = plan.request(index)), 'sidecar'),
  });
  await injected;
  // A trace is written at the end of a turn of the loop.
  await sleep(100);
  return summarize(options, stage, record, requests);
}

/** Requests of nobody in particular: code is compiled and connections to the store are open. */
async function warmUp({ urls }: Stage): Promise<void> {
  const request = (index: number): string =>
    toHttp({ address: `192.0.2.${index % 250}`, tenant: 'lone', cost: 1, requestId: undefined, isLone: false }, 'sidecar');
  const dice = new Dice(1, 2);
  await driveLoad({ urls, target: () => dice.below(urls.length), ratePerS: WARM_UP_PER_S, seconds: WARM_UP_S, connections: 8, request });
}

function summarize(options: RunOptions, stage: Stage, record: LoadRecord, requests: readonly PlannedRequest[]): RunResult {
  const { name, what, expected, ratePerS, seconds, windowS, nodes, store, pipelining, judgedBy, seed } = options;
  const trace = noTotals();
  const bins = Array.from({ length: BINS }, (_, i): Bin => {
    return { second: (i * seconds) / BINS, admitted: 0, denied: 0, faults: 0, fullest: 0, p50Ms: null, p99Ms: null };
  });
  addLatencies(bins, record, seconds);
  const accuracy = judgedBy === 'client' ? countOnly(stage, trace) : judge(mergeTraces(stage.traces, trace), binner(bins, seconds));
  const certain = judgedBy === 'trace' ? undefined : judgeLone(record, requests, windowS);
  const answers = countAnswers(record);
  const sent = record.sentMs.reduce((sum, ms) => sum + (Number.isNaN(ms) ? 0 : 1), 0);
  const latencyMs = record.receivedMs
    .map((ms, i) => ms - record.dueMs[i])
    .filter((ms) => !Number.isNaN(ms))
    .sort();
  const lastMs = record.receivedMs.reduce((last, ms) => (ms > last ? ms : last), 0);
  const result = {
    name,
    what,
    expected,
    conditions: { store, nodes, ratePerS, seconds, windowS, pipelining, seed, connections: CONNECTIONS },
    sentShare: sent / record.dueMs.length,
    reachedPerS: Math.round((sent * 1000) / (lastMs - record.dueMs[0])),
    answers,
    trace,
    accuracy:
      accuracy === undefined
        ? undefined
        : {
            ...accuracy,
            falseNegativeBound: rateBound(accuracy.falseNegatives, accuracy.over),
            falsePositiveBound: rateBound(accuracy.falsePositives, accuracy.notOver),
          },
    certain,
    latency: { p50Ms: quantile(latencyMs, 0.5), p99Ms: quantile(latencyMs, 0.99), maxMs: quantile(latencyMs, 1) },
    bins,
  };
  return { ...result, failures: findFailures(result, options) };
}

/** For traces that are on no single time line: nothing is judged, everything is counted. */
function countOnly({ traces }: Stage, totals: TraceTotals): undefined {
  for (const decision of mergeTraces(traces, totals)) void decision;
  return undefined;
}

function binner(bins: readonly Bin[], seconds: number): (judged: Judged) => void {
  let firstUs: number | undefined;
  return ({ decision: { claims, atUs, isAdmitted, isFault }, fullest }) => {
    if (claims.some(({ key }) => key.includes('192.0.2.'))) return;
    firstUs ??= atUs;
    const bin = bins[Math.floor(((atUs - firstUs) / (seconds * 1e6)) * BINS)];
    if (bin === undefined) return;
    if (isAdmitted) bin.admitted++;
    else if (isFault) bin.faults++;
    else bin.denied++;
    bin.fullest = Math.max(bin.fullest, fullest);
  };
}

function addLatencies(bins: readonly Bin[], { dueMs, receivedMs }: LoadRecord, seconds: number): void {
  const each = bins.map((): number[] => []);
  for (const [i, ms] of receivedMs.entries()) {
    const bin = each[Math.floor(((dueMs[i] - dueMs[0]) / (seconds * 1000)) * BINS)];
    if (bin !== undefined && !Number.isNaN(ms)) bin.push(ms - dueMs[i]);
  }
  for (const [i, latencies] of each.entries()) {
    if (latencies.length === 0) continue;
    const sorted = Float64Array.from(latencies).sort();
    [bins[i].p50Ms, bins[i].p99Ms] = [quantile(sorted, 0.5), quantile(sorted, 0.99)];
  }
}

/** Keys that nothing but their own limit refuses, by what their clients saw. */
function judgeLone(
  { sentMs, receivedMs, status }: LoadRecord,
  requests: readonly PlannedRequest[],
  windowS: number,
): NonNullable<RunResult['certain']> {
  const byAddress = new Map<string, ClientView[]>();
  for (const [i, { address, cost, isLone }] of requests.entries()) {
    if (!isLone || Number.isNaN(sentMs[i])) continue;
    // 503 says nothing of the limit, and charged nothing that counts.
    if (status[i] === 503) continue;
    let views = byAddress.get(address);
    if (views === undefined) byAddress.set(address, (views = []));
    const isUnknown = status[i] === 0;
    const receivedUs = isUnknown ? Infinity : receivedMs[i] * 1000;
    views.push({ sentUs: sentMs[i] * 1000, receivedUs, cost, isAdmitted: status[i] === 200, isUnknown });
  }
  const sum = { requests: 0, most: 0, overAdmissions: 0, falseDenials: 0 };
  for (const [address, views] of byAddress) {
    const limit = limitOfAddress(address);
    const { mostCertain, overAdmissions, falseDenials } = judgeByClient(views, limit, windowS * 1e6);
    sum.requests += views.length;
    sum.most = Math.max(sum.most, mostCertain / limit);
    sum.overAdmissions += overAdmissions;
    sum.falseDenials += falseDenials;
  }
  return sum;
}

function countAnswers({ status }: LoadRecord): RunResult['answers'] {
  const answers = { admitted: 0, denied: 0, unavailable: 0, none: 0 };
  for (const code of status) {
    if (code === 200) answers.admitted++;
    else if (code === 429) answers.denied++;
    else if (code === 503) answers.unavailable++;
    else answers.none++;
  }
  return answers;
}

function findFailures(result: Omit<RunResult, 'failures'>, { expected, isStrict, inject }: RunOptions): string[] {
  const { accuracy, certain, answers, trace, sentShare } = result;
  const failures: string[] = [];
  const require = (isTrue: boolean, what: string): void => {
    if (!isTrue) failures.push(what);
  };
  require(sentShare >= SENT_SHARE_MIN, `only ${(sentShare * 100).toFixed(1)} % of the intended requests were sent`);
  require(inject !== undefined || answers.none === 0, `${answers.none} requests had no answer, or another one`);
  // The server's account and the clients' must be of the same requests; warming up is in the trace alone.
  const traced = trace.admitted + trace.denied + trace.faults + trace.replays;
  const seen = answers.admitted + answers.denied + answers.unavailable;
  require(traced >= seen &&
    traced <= seen + answers.none + WARM_UP_PER_S * WARM_UP_S, `${traced} decisions are in the trace, ${seen} were answered`);
  const mayExceed = expected === 'shares' || expected === 'lost';
  if (accuracy !== undefined) {
    const { falseNegatives, falsePositives, notOver, faultDenials, nearLimit } = accuracy;
    require(mayExceed || falseNegatives === 0, `${falseNegatives} false negatives`);
    require(expected !== 'exact' || falsePositives <= notOver * FALSE_POSITIVES_MAX, `${falsePositives} false positives of ${notOver}`);
    require(expected !== 'exact' || faultDenials === 0, `${faultDenials} refusals because of a fault`);
    require(!isStrict || nearLimit >= NEAR_LIMIT_MIN, `only ${nearLimit} decisions that were not over were near the limit`);
    const fullest = Math.max(...result.bins.map((bin) => bin.fullest));
    require(!mayExceed || fullest <= 2, `a window held ${fullest.toFixed(2)} times its limit`);
  }
  if (certain !== undefined) {
    require(mayExceed || certain.overAdmissions === 0, `${certain.overAdmissions} certain over-admissions`);
    require(!mayExceed || certain.most <= 2, `a window certainly held ${certain.most.toFixed(2)} times its limit`);
    require(expected !== 'exact' || certain.falseDenials === 0, `${certain.falseDenials} certain false denials`);
    require(!isStrict || certain.requests > 0, 'no request was judged by its client');
  }
  return failures;
}
