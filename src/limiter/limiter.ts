import { createHash } from 'node:crypto';
import { policyHeader } from './headers.ts';
import { claimOf, isAllowed, type Limit, type Limits, type Subject } from './limits.ts';
import { STORE_FULL, type Claim, type LimitStore, type StoreAnswer } from './limit-store.ts';
import type { WindowView } from './window.ts';

/** One limit after a decision. */
export interface LimitState extends WindowView {
  readonly name: string;
  readonly key: 'ip' | 'tenant';
  readonly limit: number;
  readonly windowUs: number;
  readonly isDryRun: boolean;
}

/**
 * `exempt`: on the allow list · `full`: the table of keys is, which is nobody's fault but ours · `reduced`: refused only because the shared
 * store is away.
 */
export type Outcome = 'allowed' | 'denied' | 'exempt' | 'full' | 'reduced';

export interface Decision {
  readonly outcome: Outcome;
  /** Remaining units and times as they are after the decision. */
  readonly states: readonly LimitState[];
  /** The RateLimit-Policy header: all limits that were asked, dry runs aside. */
  readonly policy: string;
  /** Decided without the shared store. */
  readonly isDegraded: boolean;
}

export interface CheckRequest {
  readonly subject: Subject;
  readonly cost: number;
  /** Only this one of the limits; all of them when undefined. */
  readonly only?: string | undefined;
  /** Of the proxy, not of the client. */
  readonly requestId?: string | undefined;
}

const EXEMPT: Decision = { outcome: 'exempt', states: [], policy: '', isDegraded: false };
const FULL: Decision = { outcome: 'full', states: [], policy: '', isDegraded: false };

/** What all checks of a cost have in common for one subject under the limits of one generation. */
interface Prepared {
  readonly generation: string;
  readonly cost: number;
  readonly isExempt: boolean;
  readonly limits: readonly Limit[];
  readonly claims: readonly Claim[];
  readonly policy: string;
}

/** Decides by the limits in force. Those may be exchanged at any time; stamps stay, so raising a limit is exact at once. */
export class Limiter {
  readonly #store: LimitStore;
  readonly #limits: () => Limits;
  readonly #prepared = new WeakMap<Subject, Prepared>();

  constructor(store: LimitStore, limits: () => Limits) {
    this.#store = store;
    this.#limits = limits;
  }

  /** Those in force. */
  get limits(): Limits {
    return this.#limits();
  }

  check({ requestId, ...request }: CheckRequest): Decision | Promise<Decision> {
    const prepared = this.#prepare(request);
    if (prepared.isExempt) return EXEMPT;
    const tag = requestId === undefined ? undefined : tagOf(requestId, prepared.claims, prepared.generation);
    const answer = this.#store.decide(prepared.claims, tag);
    return answer instanceof Promise ? answer.then((late) => toDecision(prepared, late)) : toDecision(prepared, answer);
  }

  /** How the limits of a subject stand; nothing is charged. */
  async look(request: CheckRequest): Promise<Decision> {
    const prepared = this.#prepare(request);
    if (prepared.isExempt) return EXEMPT;
    const { limits, claims, policy } = prepared;
    const { views, isAdmitted, degraded } = await this.#store.look(claims);
    const states = claims.map((claim, i) => toState(limits[i], claim, views[i], 0));
    return { outcome: isAdmitted ? 'allowed' : 'denied', states, policy, isDegraded: degraded !== undefined };
  }

  /** Kept with the subject: who asks about one again and again pays for its names and limits once. */
  #prepare({ subject, cost, only }: CheckRequest): Prepared {
    const limits = this.#limits();
    const known = only === undefined ? this.#prepared.get(subject) : undefined;
    if (known !== undefined && known.cost === cost && known.generation === limits.generation) return known;
    const chosen = only === undefined ? limits.limits : limits.limits.filter(({ name }) => name === only);
    const claims = chosen.map((limit) => claimOf(limit, subject, cost));
    const told = claims.flatMap(({ rule, isDryRun }, i) => (isDryRun ? [] : [{ ...rule, name: chosen[i].name }]));
    const isExempt = isAllowed(limits, subject.address);
    const prepared = { generation: limits.generation, cost, isExempt, limits: chosen, claims, policy: policyHeader(told) };
    if (only === undefined) this.#prepared.set(subject, prepared);
    return prepared;
  }
}

function toDecision({ limits, claims, policy }: Prepared, answer: StoreAnswer): Decision {
  if (answer === STORE_FULL) return FULL;
  const { isAdmitted, views, degraded } = answer;
  const states: LimitState[] = [];
  for (let i = 0; i < claims.length; i++) {
    const isCharged = isAdmitted && views[i].isAdmitted;
    states.push(toState(limits[i], claims[i], views[i], isCharged ? claims[i].cost : 0));
  }
  const outcome = isAdmitted ? 'allowed' : degraded === 'reduced' ? 'reduced' : 'denied';
  return { outcome, states, policy, isDegraded: degraded !== undefined };
}

/** The view after so many units were charged. */
function toState({ name, key }: Limit, { rule: { limit, windowUs }, isDryRun }: Claim, view: WindowView, charged: number): LimitState {
  const { isAdmitted, retryAfterUs } = view;
  const resetUs = charged > 0 && view.resetUs === 0 ? windowUs : view.resetUs;
  return { name, key, limit, windowUs, isDryRun, isAdmitted, remaining: view.remaining - charged, retryAfterUs, resetUs };
}

/** What a request id stands for: the same id for another client, cost or limit is another request. */
function tagOf(requestId: string, claims: readonly Claim[], generation: string): string {
  const parts = claims.map(({ key, cost, rule }) => [key, cost, rule.limit, rule.windowUs]);
  return createHash('sha256')
    .update(JSON.stringify([requestId, generation, parts]))
    .digest('latin1');
}
