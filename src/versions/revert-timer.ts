import type { VersionStore } from './store.ts';
import { toVersionsError } from './to-versions-error.ts';
import type { VersionsError } from './versions-error.ts';

/** A revert that failed, because the disk is full for example, is tried again after this long. */
const RETRY_MS = 5000;
/** Longer waits are looked at again: the wall clock may be set, and timers end at 2^31 ms. */
const LOOK_MS_MAX = 60_000;

/** Takes back each head that nobody confirmed in its time. */
export class RevertTimer {
  readonly #store: VersionStore;
  readonly #failed: (error: VersionsError) => void;
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
    const due = this.#store.unconfirmed().map(({ before }) => Date.parse(before));
    if (due.length === 0 || this.#isStopped) return;
    this.#wait(Math.max(0, Math.min(LOOK_MS_MAX, Math.min(...due) - this.#store.now().getTime())));
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    await this.#running;
  }

  #wait(ms: number): void {
    this.#timer = setTimeout(() => (this.#running = this.#revertAll()), ms);
  }

  async #revertAll(): Promise<void> {
    let isFailed = false;
    for (const { name } of this.#store.unconfirmed()) {
      try {
        await this.#store.revert(name);
      } catch (error) {
        isFailed = true;
        this.#failed(toVersionsError(error));
      }
    }
    if (this.#isStopped) return;
    if (isFailed) this.#wait(RETRY_MS);
    else this.look();
  }
}
