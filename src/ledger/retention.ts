import type { Clock } from '../kernel/clock.ts';
import type { OpenedLedger } from './open-ledger.ts';
import type { SegmentsHere } from './sealed-segments.ts';

/** How long entries are kept. */
export type RetentionPolicy =
  { readonly kind: 'off' } | { readonly kind: 'age'; readonly days: number } | { readonly kind: 'bytes'; readonly bytesMax: number };

/** Where entries have to be before they may go. */
export interface ArchiveState {
  readonly location: string;
  /** Archived and signed for; undefined while nobody knows. */
  readonly size: number | undefined;
  /** Reads the entries of a segment back: are they there, and the same as here? */
  holds(first: number, end: number, signal: AbortSignal): Promise<boolean>;
}

/** Whom retention tells what it did. */
export interface RetentionEvents {
  /** Entries below `before`, but those of the first segment, are gone. */
  pruned(before: number): void;
  failed(error: unknown): void;
}

const NS_PER_DAY = 86_400_000_000_000n;
/** Time moves segments over the bound also when nothing arrives. */
const ROUND_MS = 60_000;
/** Less than a round: a store that loses what it is given must not be filled again without a pause. */
const REPAIR_MS = 50_000;
/** One entry states so many at most: looking at their indexes and removing them takes well below a second. */
const SEGMENTS_AT_ONCE_MAX = 64;

/** The first entry that stays, by the policy; undefined when nothing is due. With an archive only what it holds may go. */
export function planPruning(
  policy: RetentionPolicy,
  here: SegmentsHere,
  archive: ArchiveState | undefined,
  nowNs: bigint,
): number | undefined {
  if (policy.kind === 'off') return undefined;
  let { bytes } = here;
  let before: number | undefined;
  for (const segment of here.sealed.slice(0, SEGMENTS_AT_ONCE_MAX)) {
    const isDue = policy.kind === 'age' ? segment.youngestNs < nowNs - BigInt(policy.days) * NS_PER_DAY : bytes > policy.bytesMax;
    if (!isDue || (archive !== undefined && segment.end > (archive.size ?? 0))) break;
    bytes -= segment.bytes;
    before = segment.end;
  }
  return before;
}

/** Removes what is due, one round at a time: soon after a segment is full or archived, and every minute. */
export class Retention {
  readonly #policy: RetentionPolicy;
  readonly #ledger: Pick<OpenedLedger, 'segments' | 'prune'>;
  readonly #archive: ArchiveState | undefined;
  readonly #events: RetentionEvents;
  readonly #clock: Clock;
  readonly #timer: NodeJS.Timeout;
  #round: Promise<void> | undefined;
  readonly #stop = new AbortController();
  readonly #stopped: Promise<false>;
  /** After the archive lacked something it gets this much time to be made whole. */
  #restUntilMs = -Infinity;

  constructor(
    policy: RetentionPolicy,
    ledger: Pick<OpenedLedger, 'segments' | 'prune'>,
    archive: ArchiveState | undefined,
    clock: Clock,
    events: RetentionEvents,
  ) {
    this.#policy = policy;
    this.#ledger = ledger;
    this.#archive = archive;
    this.#events = events;
    this.#clock = clock;
    this.#stopped = new Promise((resolve) => this.#stop.signal.addEventListener('abort', () => resolve(false), { once: true }));
    this.#timer = setInterval(() => this.notify(), ROUND_MS).unref();
    this.notify();
  }

  /** Something may be due now. */
  notify(): void {
    if (this.#policy.kind === 'off' || this.#isStopped || performance.now() < this.#restUntilMs) return;
    this.#round ??= this.#prune().finally(() => (this.#round = undefined));
  }

  /** Waits for a removal that has begun, but not for an archive. */
  async stop(): Promise<void> {
    this.#stop.abort();
    clearInterval(this.#timer);
    await this.#round;
  }

  get #isStopped(): boolean {
    return this.#stop.signal.aborted;
  }

  /** Until nothing is due: what failed is due again in the next round. */
  async #prune(): Promise<void> {
    try {
      while (!this.#isStopped) {
        const due = planPruning(this.#policy, this.#ledger.segments(), this.#archive, this.#clock());
        const before = due === undefined || this.#archive === undefined ? due : await this.#archivedUpTo(due, this.#archive);
        if (before === undefined || this.#isStopped) return;
        await this.#ledger.prune(before, this.#archive?.location ?? '');
        this.#events.pruned(before);
        if (before !== due) return;
      }
    } catch (error) {
      this.#events.failed(error);
    }
  }

  /** As far as the archive gives the entries back; a signed size alone says only that they were there once. */
  async #archivedUpTo(before: number, archive: ArchiveState): Promise<number | undefined> {
    let upTo: number | undefined;
    for (const { first, end } of this.#ledger.segments().sealed) {
      if (end > before) break;
      const isHeld = await Promise.race([this.#holds(archive, first, end), this.#stopped]);
      if (!isHeld) {
        if (this.#isStopped) return undefined;
        this.#restUntilMs = performance.now() + REPAIR_MS;
        this.#events.failed(new Error(`the archive does not give the entries ${first} to ${end - 1} back: they stay here`));
        break;
      }
      upTo = end;
    }
    return upTo;
  }

  /** What a stop interrupts is no failure. */
  async #holds(archive: ArchiveState, first: number, end: number): Promise<boolean> {
    const { signal } = this.#stop;
    return archive.holds(first, end, signal).catch((error: unknown) => {
      if (signal.aborted) return false;
      throw error;
    });
  }
}
