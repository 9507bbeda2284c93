import { EPOCH_IDLE_MS, EPOCH_LEAVES_MAX, EPOCH_SEAL_AFTER_MS } from '../kernel/epoch.ts';
import type { EpochState } from './epoch-state.ts';

export interface SealLimits {
  readonly afterMs: number;
  readonly idleMs: number;
  readonly leavesMax: number;
}

export const SEAL_LIMITS: SealLimits = { afterMs: EPOCH_SEAL_AFTER_MS, idleMs: EPOCH_IDLE_MS, leavesMax: EPOCH_LEAVES_MAX };

const NS_PER_MS = 1_000_000n;

/**
 * When the running epoch is to be sealed, by the monotonic clock. One that a killed process left open is as old as the ledger's own time
 * says: crashing again and again must not keep an epoch open.
 */
export class SealSchedule {
  readonly #limits: SealLimits;
  #epoch: number;
  #openedNs: bigint;
  #activeNs: bigint | undefined;

  constructor(limits: SealLimits, running: EpochState, wallNs: bigint, monotonicNs: bigint) {
    this.#limits = limits;
    const ageNs = wallNs - running.openedNs;
    this.#epoch = running.epoch;
    this.#openedNs = ageNs > 0n ? monotonicNs - ageNs : monotonicNs;
    this.#activeNs = running.isActive ? this.#openedNs : undefined;
  }

  /** Notes when epochs are opened and get their first leaf that counts; to be called whenever leaves were staged. */
  observe({ epoch, isActive }: EpochState, monotonicNs: bigint): void {
    if (epoch !== this.#epoch) {
      this.#epoch = epoch;
      this.#openedNs = monotonicNs;
      this.#activeNs = undefined;
    }
    if (isActive) this.#activeNs ??= monotonicNs;
  }

  isDue(state: { readonly epochs: EpochState; readonly epochLeaves: number }, monotonicNs: bigint): boolean {
    this.observe(state.epochs, monotonicNs);
    if (!state.epochs.isSealing) return false;
    const { afterMs, idleMs } = this.#limits;
    if (this.isFull(state.epochLeaves) || monotonicNs - this.#openedNs >= BigInt(idleMs) * NS_PER_MS) return true;
    return this.#activeNs !== undefined && monotonicNs - this.#activeNs >= BigInt(afterMs) * NS_PER_MS;
  }

  /** A request that reaches the bound is finished first. */
  isFull(epochLeaves: number): boolean {
    return epochLeaves >= this.#limits.leavesMax;
  }
}
