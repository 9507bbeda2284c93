import type { WindowRule, WindowView } from './window.ts';

/**
 * `local`: this node's share of the limit, counted by itself · `closed`: nobody is admitted · `open`: everybody is, as far as this limit goes.
 */
export type OnStoreFailure = 'local' | 'closed' | 'open';

/** One key of a check. */
export interface Claim {
  /** Unique among all limits: two claims with the same key are the same window. */
  readonly key: string;
  readonly rule: WindowRule;
  /** Units, a whole number ≥ 1. */
  readonly cost: number;
  /** What holds while a shared store cannot be asked. */
  readonly onStoreFailure: OnStoreFailure;
  /** Decided and charged like the others, but nobody is refused because of it. */
  readonly isDryRun: boolean;
}

/** What a store says of a check: admitted when every claim is, dry runs aside; then, and only then, every admitted claim is charged. */
export interface StoreVerdict {
  readonly isAdmitted: boolean;
  /** One for each claim, in their order, as it stood before this request. */
  readonly views: readonly WindowView[];
  /** Time of the decision on the store's clock. */
  readonly nowUs: number;
  /** The answer to a request that was decided before; nothing was charged now. */
  readonly isReplay: boolean;
  /** Decided without the shared store. `reduced`: refused only because of that. */
  readonly degraded?: 'decided' | 'reduced';
}

/** The table of keys holds as many live ones as it may: none of them can be forgotten without admitting too much later. */
export const STORE_FULL = 'full';

/** What a store answers. */
export type StoreAnswer = StoreVerdict | typeof STORE_FULL;

/** Sequences checks. One store, one sequence: every decision sees what all those before it charged. */
export interface LimitStore {
  /** A check with the tag of one that was decided in the last five seconds gets the same answer, four times, and is not charged. */
  decide(claims: readonly Claim[], tag?: string): StoreAnswer | Promise<StoreAnswer>;
  /** How the windows stand, without a charge. */
  look(claims: readonly Claim[]): StoreVerdict | Promise<StoreVerdict>;
}
