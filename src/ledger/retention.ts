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
  #isStopped = false;

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
    this.#timer = setInterval(() => this.notify(), ROUND_MS).unref();
    this.notify();
  }

  /** Something may be due now. */
  notify(): void {
    if (this.#policy.kind === 'off' || this.#isStopped) return;
    this.#round ??= this.#prune().finally(() => (this.#round = undefined));
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    clearInterval(this.#timer);
    await this.#round;
  }

  /** Until nothing is due: what failed is due again in the next round. */
  async #prune(): Promise<void> {
    try {
      while (!this.#isStopped) {
        const before = planPruning(this.#policy, this.#ledger.segments(), this.#archive, this.#clock());
        if (before === undefined) return;
        await this.#ledger.prune(before, this.#archive?.location ?? '');
        this.#events.pruned(before);
      }
    } catch (error) {
      this.#events.failed(error);
    }
  }
}
