import type { EmbeddedStore } from './embedded-store.ts';
import { STORE_FULL, type Claim, type LimitStore, type StoreAnswer, type StoreVerdict } from './limit-store.ts';
import { StoreUnavailableError, type RedisStore } from './redis-store.ts';
import type { WindowView } from './window.ts';

/** A closed limit says nothing of when the store is back; clients may ask again this much later. */
const CLOSED_RETRY_US = 1_000_000;

/**
 * The store that all nodes share, and this node's own windows beside it, which hear of every admission of this node. While the shared store
 * cannot be asked each limit says what holds; with `local` a node admits its share, counted with what it admitted before.
 */
export class SharedStore implements LimitStore {
  readonly #shared: RedisStore;
  readonly #own: EmbeddedStore;

  /** `own` runs on the clock of the shared store. */
  constructor(shared: RedisStore, own: EmbeddedStore) {
    this.#shared = shared;
    this.#own = own;
  }

  async decide(claims: readonly Claim[], tag?: string): Promise<StoreAnswer> {
    try {
      const verdict = await this.#shared.decide(claims, tag);
      this.#own.record(claims, verdict);
      return verdict;
    } catch (error) {
      if (!(error instanceof StoreUnavailableError)) throw error;
      return this.#decideAlone(claims, tag);
    }
  }

  /** Takes back what a check charged, wherever it was decided. */
  async cancel(claims: readonly Claim[], verdict: StoreVerdict): Promise<void> {
    this.#own.cancel(claims, verdict);
    if (verdict.degraded === undefined) await this.#shared.cancel(claims, verdict);
  }

  async look(claims: readonly Claim[]): Promise<StoreVerdict> {
    try {
      return await this.#shared.look(claims);
    } catch (error) {
      if (!(error instanceof StoreUnavailableError)) throw error;
      return { ...this.#own.look(claims.map((claim) => this.#alone(claim))), degraded: 'decided' };
    }
  }

  #decideAlone(claims: readonly Claim[], tag: string | undefined): StoreAnswer {
    // Asked first: with the charge in it the whole limit would look one fuller.
    const whole = this.#own.look(claims);
    if (claims.some(({ onStoreFailure, isDryRun }) => onStoreFailure === 'closed' && !isDryRun)) return closed(claims, whole);
    const verdict = this.#own.decide(
      claims.map((claim) => this.#alone(claim)),
      tag,
    );
    if (verdict === STORE_FULL) return verdict;
    return { ...verdict, degraded: !verdict.isAdmitted && whole.isAdmitted ? 'reduced' : 'decided' };
  }

  #alone(claim: Claim): Claim {
    if (claim.onStoreFailure === 'open') return { ...claim, isDryRun: true };
    const { nodes, place } = this.#shared.share;
    return { ...claim, rule: { ...claim.rule, limit: shareOf(claim.rule.limit, nodes, place) } };
  }
}

/** All shares together are no more than the limit; one that cannot be shared belongs to the first node. */
export function shareOf(limit: number, nodes: number, place: number): number {
  if (limit >= nodes) return Math.floor(limit / nodes);
  return place === 0 ? limit : 0;
}

function closed(claims: readonly Claim[], whole: StoreVerdict): StoreVerdict {
  const views = whole.views.map((view, i): WindowView => {
    if (claims[i].onStoreFailure !== 'closed' || !view.isAdmitted) return view;
    return { ...view, isAdmitted: false, retryAfterUs: CLOSED_RETRY_US };
  });
  return { ...whole, isAdmitted: false, views, degraded: whole.isAdmitted ? 'reduced' : 'decided' };
}
