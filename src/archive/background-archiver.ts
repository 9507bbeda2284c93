import { setTimeout as sleep } from 'node:timers/promises';
import { CodedError } from '../kernel/errors.ts';
import { ArchiveError } from './archive-error.ts';
import type { Archiver } from './archiver.ts';

/** After a store has not answered for all its retries, the next attempt waits so long. */
const OUTAGE_PAUSE_MS = 30_000;
/** Looks for sealed segments at least this often, should nobody have said that there are new ones. */
const IDLE_MS = 60_000;

/** Whom the archiver tells how it fares. */
export interface ArchiveEvents {
  /** `size` leaves are archived and signed for. */
  archived(size: number): void;
  failed(error: ArchiveError): void;
}

/**
 * Archives each segment soon after it is sealed, beside everything else the sidecar does. Whatever happens to the store, ingest goes on:
 * errors are told and tried again, only an archive that is not ours ends it.
 */
export class BackgroundArchiver {
  readonly #archiver: Archiver;
  readonly #events: ArchiveEvents;
  readonly #stop = new AbortController();
  readonly #done: Promise<void>;
  #wake: (() => void) | undefined;

  constructor(archiver: Archiver, events: ArchiveEvents) {
    this.#archiver = archiver;
    this.#events = events;
    this.#done = this.#run();
  }

  /** A segment may have been sealed. */
  notify(): void {
    this.#wake?.();
  }

  /** Resolves when nothing is under way any more; a segment that was is begun again at the next start. */
  async stop(): Promise<void> {
    this.#stop.abort();
    this.#wake?.();
    await this.#done;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      try {
        if (this.#archiver.size === undefined) this.#events.archived(await this.#archiver.open());
        while (await this.#archiver.archiveSegment(signal)) this.#events.archived(this.#archiver.size ?? 0);
        await this.#pause(IDLE_MS);
      } catch (cause) {
        if (signal.aborted) return;
        const error = toArchiveError(cause);
        this.#events.failed(error);
        if (error.code !== 'archive-unreachable') return;
        await this.#pause(OUTAGE_PAUSE_MS);
      }
    }
  }

  /** Until woken, at most `ms`. */
  async #pause(ms: number): Promise<void> {
    if (this.#stop.signal.aborted) return;
    const timer = new AbortController();
    const woken = new Promise<void>((resolve) => (this.#wake = resolve));
    await Promise.race([woken, sleep(ms, undefined, { signal: timer.signal, ref: false })]);
    timer.abort();
    this.#wake = undefined;
  }
}

/** The ledger's own read errors pass, as a store's do; entries that retention removed do not come back. */
function toArchiveError(cause: unknown): ArchiveError {
  if (cause instanceof ArchiveError) return cause;
  const message = cause instanceof Error ? cause.message : String(cause);
  return new ArchiveError(cause instanceof CodedError && cause.code === 'pruned' ? 'pruned' : 'archive-unreachable', message, { cause });
}
