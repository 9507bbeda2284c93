import { createHash } from 'node:crypto';
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

const EXEMPT: Decision = { outcome: 'exempt', states: [], isDegraded: false };
const FULL: Decision = { outcome: 'full', states: [], isDegraded: false };

/** Decides by the limits in force. Those may be exchanged at any time; stamps stay, so raising a limit is exact at once. */
export class Limiter {
  readonly #store: LimitStore;
  readonly #limits: () => Limits;

  constructor(store: LimitStore, limits: () => Limits) {
    this.#store = store;
    this.#limits = limits;
  }

  /** Those in force. */
  get limits(): Limits {
    return this.#limits();
  }

  check({ requestId, ...request }: CheckRequest): Decision | Promise<Decision> {
    const limits = this.#limits();
    if (isAllowed(limits, request.subject.address)) return EXEMPT;
    const chosen = choose(limits, request);
    const claims = chosen.map((limit) => claimOf(limit, request.subject, request.cost));
    const tag = requestId === undefined ? undefined : tagOf(requestId, claims, limits.generation);
    const answer = this.#store.decide(claims, tag);
    return answer instanceof Promise ? answer.then((late) => toDecision(chosen, claims, late)) : toDecision(chosen, claims, answer);
  }

  /** How the limits of a subject stand; nothing is charged. */
  async look(request: CheckRequest): Promise<Decision> {
    const limits = this.#limits();
    if (isAllowed(limits, request.subject.address)) return EXEMPT;
    const chosen = choose(limits, request);
    const claims = chosen.map((limit) => claimOf(limit, request.subject, request.cost));
    const { views, isAdmitted, degraded } = await this.#store.look(claims);
    const states = claims.map((claim, i) => toState(chosen[i], claim, views[i]));
    return { outcome: isAdmitted ? 'allowed' : 'denied', states, isDegraded: degraded !== undefined };
  }
}

function choose({ limits }: Limits, { only }: CheckRequest): readonly Limit[] {
  return only === undefined ? limits : limits.filter(({ name }) => name === only);
}

function toDecision(limits: readonly Limit[], claims: readonly Claim[], answer: StoreAnswer): Decision {
  if (answer === STORE_FULL) return FULL;
  const { isAdmitted, views, degraded } = answer;
  const states = claims.map((claim, i) => toState(limits[i], claim, isAdmitted ? charged(claim, views[i]) : views[i]));
  const outcome = isAdmitted ? 'allowed' : degraded === 'reduced' ? 'reduced' : 'denied';
  return { outcome, states, isDegraded: degraded !== undefined };
}

function toState({ name, key }: Limit, { rule, isDryRun }: Claim, view: WindowView): LimitState {
  return { ...view, name, key, limit: rule.limit, windowUs: rule.windowUs, isDryRun };
}

/** The view after a charge. */
function charged({ rule, cost }: Claim, view: WindowView): WindowView {
  if (!view.isAdmitted) return view;
  return { ...view, remaining: view.remaining - cost, resetUs: view.resetUs === 0 ? rule.windowUs : view.resetUs };
}

/** What a request id stands for: the same id for another client, cost or limit is another request. */
function tagOf(requestId: string, claims: readonly Claim[], generation: string): string {
  const parts = claims.map(({ key, cost, rule }) => [key, cost, rule.limit, rule.windowUs]);
  return createHash('sha256')
    .update(JSON.stringify([requestId, generation, parts]))
    .digest('latin1');
}
