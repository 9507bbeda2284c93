/**
 * The checkpoint lock: the last checkpoint that was made public, kept outside DATA_DIR (docs/formats/ledger.md, Anchors). Without it
 * nobody who sees only the ledger's folder can tell an older copy of it from its newest state.
 *
 * The stores live in src/anchor and pass test/support/checkpoint-lock-laws.ts. The writer's thread opens one with
 * `openCheckpointLock(options, ledgerId)` of src/anchor/open-checkpoint-lock.ts, from plain options because it lives in a thread.
 */
export interface CheckpointLock {
  /** For messages: where it is, without credentials. */
  readonly location: string;
  /** What stands there. Answers within LOCK_DEADLINE_MS, whatever the store does; never rejects. */
  read(): Promise<LockRead>;
  /**
   * Compare-and-swap: `next` takes the place of exactly `previous` (undefined: nothing stands there yet). Answers within
   * LOCK_DEADLINE_MS; never rejects. One call at a time.
   *
   * `unreachable` leaves open which of the two stands there now. The store remembers the notes it got no answer for and takes them for
   * its own in later calls, so the caller simply goes on with the `previous` it knows: a lost answer is never a conflict.
   */
  advance(previous: string | undefined, next: string): Promise<LockAdvance>;
  /** Makes what was advanced durable, then lets go. */
  close(): Promise<void>;
}

/** Reading and advancing answer within this time: the commit that waits for it must not wait for a dead network. */
export const LOCK_DEADLINE_MS = 500;

export type LockRead =
  { readonly outcome: 'read'; readonly note: string | undefined } | { readonly outcome: 'unreachable'; readonly reason: string };

export type LockAdvance =
  | { readonly outcome: 'advanced' }
  | { readonly outcome: 'unreachable'; readonly reason: string }
  /** Somebody else's note stands there: a second writer, or a copy of this ledger, is at work. */
  | { readonly outcome: 'conflict'; readonly found: string | undefined };

/** Plain values, so that they can cross into the writer's thread. */
export type CheckpointLockOptions =
  | { readonly kind: 'off' }
  /** `dir`/<ledger id>.checkpoint */
  | { readonly kind: 'file'; readonly dir: string }
  /** Key proofs:checkpoint:<ledger id>. A password beside the URL wins over one in it. */
  | { readonly kind: 'redis'; readonly url: string; readonly password: string | undefined };
