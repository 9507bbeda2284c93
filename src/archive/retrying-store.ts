import { setTimeout as sleep } from 'node:timers/promises';
import type { ObjectStore } from '../kernel/object-store.ts';
import { ArchiveError } from './archive-error.ts';

/** First pause, doubled each time: 0.2, 0.4, … 6.4 s, together about 13 s; an outage longer than that is for the caller to sit out. */
const PAUSE_MS = 200;
const ATTEMPTS_MAX = 7;

/** Repeats what failed because the store did not answer. All operations of the port can be repeated: they state what shall be. */
export class RetryingStore implements ObjectStore {
  readonly location: string;
  readonly #store: ObjectStore;
  readonly #signal: AbortSignal;
  readonly #pauseMs: number;
  readonly #onRetry: (error: ArchiveError) => void;

  constructor(store: ObjectStore, signal: AbortSignal, onRetry: (error: ArchiveError) => void = () => undefined, pauseMs = PAUSE_MS) {
    this.location = store.location;
    this.#store = store;
    this.#signal = signal;
    this.#onRetry = onRetry;
    this.#pauseMs = pauseMs;
  }

  put(key: string, content: Uint8Array, options?: { readonly contentType?: string }): Promise<void> {
    return this.#retry(() => this.#store.put(key, content, options));
  }

  get(key: string, bytesMax: number): Promise<Uint8Array | undefined> {
    return this.#retry(() => this.#store.get(key, bytesMax));
  }

  list(prefix: string, keysMax: number): Promise<string[]> {
    return this.#retry(() => this.#store.list(prefix, keysMax));
  }

  remove(key: string): Promise<void> {
    return this.#retry(() => this.#store.remove(key));
  }

  async #retry<T>(action: () => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      this.#signal.throwIfAborted();
      try {
        return await action();
      } catch (error) {
        if (!(error instanceof ArchiveError) || error.code !== 'archive-unreachable' || attempt === ATTEMPTS_MAX) throw error;
        this.#onRetry(error);
        // Full jitter would let some come at once; half keeps a fleet of sidecars apart and still backs off.
        const pauseMs = this.#pauseMs * 2 ** (attempt - 1);
        await sleep(pauseMs * (0.5 + Math.random() / 2), undefined, { signal: this.#signal });
      }
    }
  }
}
