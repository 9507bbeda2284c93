import type { Json } from '../kernel/canonical-json.ts';
import type { Clocks } from '../kernel/clock.ts';
import { CLOCK_STEP_MS_MIN } from '../kernel/epoch.ts';

const NS_PER_MS = 1_000_000n;

/** Sees the wall clock being set: it then moves otherwise than the monotonic one. */
export class ClockWatch {
  readonly #clocks: Clocks;
  #offsetNs: bigint;

  constructor(clocks: Clocks) {
    this.#clocks = clocks;
    this.#offsetNs = clocks.wall() - clocks.monotonic();
  }

  /** Payload of a clock-step leaf when the clock was set since the last look. Drift, which is slow, never adds up to one. */
  look(): Json | undefined {
    const wallNs = this.#clocks.wall();
    const monotonicNs = this.#clocks.monotonic();
    const stepMs = Number((wallNs - monotonicNs - this.#offsetNs) / NS_PER_MS);
    this.#offsetNs = wallNs - monotonicNs;
    return Math.abs(stepMs) < CLOCK_STEP_MS_MIN ? undefined : { monotonicNs: String(monotonicNs), stepMs, wallNs: String(wallNs) };
  }
}
