import type { VersionStore } from './store.ts';
import { toVersionsError } from './to-versions-error.ts';
import type { VersionsError } from './versions-error.ts';

/** A revert that failed, because the disk is full for example, is tried again after this long, and then after twice as long … */
const RETRY_MS_MIN = 5000;
/** … up to this: each try is an entry of the ledger, and damage does not mend itself. */
const RETRY_MS_MAX = 10 * 60_000;
/** Longer waits are looked at again: the wall clock may be set, and timers end at 2^31 ms. */
const LOOK_MS_MAX = 60_000;

/** Takes back each head that nobody confirmed in its time. */
export class RevertTimer {
  readonly #store: VersionStore;
  readonly #failed: (error: VersionsError) => void;
  /** Artifacts whose revert failed: when it is tried again, on the clock that nobody sets. */
  readonly #retries = new Map<string, { readonly waitMs: number; readonly atMs: number }>();
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> = Promise.resolve();
  #isStopped = false;

  constructor(store: VersionStore, failed: (error: VersionsError) => void) {
    this.#store = store;
    this.#failed = failed;
  }

  /** To be called after every change. */
  look(): void {
    clearTimeout(this.#timer);
    const waiting = this.#store.unconfirmed();
    for (const name of this.#retries.keys()) if (!waiting.some((each) => each.name === name)) this.#retries.delete(name);
    if (waiting.length === 0 || this.#isStopped) return;
    const nowMs = this.#store.now().getTime();
    const waitMs = waiting.reduce(
      (soonest, { name, before }) => Math.min(soonest, Math.max(0, Date.parse(before) - nowMs, this.#retryInMs(name))),
      LOOK_MS_MAX,
    );
    this.#timer = setTimeout(() => {
      this.#running = this.#running.then(() => this.#revertAll());
    }, waitMs);
  }

  /** Resolves when no revert is under way. */
  idle(): Promise<void> {
    return this.#running;
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    await this.#running;
  }

  #retryInMs(name: string): number {
    return (this.#retries.get(name)?.atMs ?? 0) - performance.now();
  }

  async #revertAll(): Promise<void> {
    for (const { name } of this.#store.unconfirmed()) {
      if (this.#isStopped) return;
      if (this.#retryInMs(name) > 0) continue;
      try {
        await this.#store.revert(name);
        this.#retries.delete(name);
      } catch (error) {
        const waitMs = Math.min(RETRY_MS_MAX, (this.#retries.get(name)?.waitMs ?? RETRY_MS_MIN / 2) * 2);
        this.#retries.set(name, { waitMs, atMs: performance.now() + waitMs });
        this.#failed(toVersionsError(error));
      }
    }
    this.look();
  }
}
