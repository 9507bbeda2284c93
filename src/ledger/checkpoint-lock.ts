/**
 * The checkpoint lock of docs/formats/ledger.md (Anchors): a tiny store outside DATA_DIR that holds the last checkpoint which was made
 * public. The ledger defines the port; the stores are in src/anchor and pass test/support/checkpoint-lock-laws.ts.
 *
 * Options are plain data because the writer lives in a thread of its own: it makes the store there with
 * `openCheckpointLock(options: CheckpointLockOptions, ledgerId: Uint8Array): CheckpointLock` of src/anchor/open-checkpoint-lock.ts.
 * Opening never fails and never waits: a store that cannot be reached says so when it is used.
 */
export type CheckpointLockOptions =
  | { readonly kind: 'none' }
  /** The file `<ledger id, hex>.checkpoint` in `directory`, which is made when it is missing. */
  | { readonly kind: 'file'; readonly directory: string }
  /** The key `proofs:checkpoint:<ledger id, hex>`. The password is read in the thread: it must not travel in a message. */
  | { readonly kind: 'redis'; readonly url: string; readonly passwordFile: string | undefined };

/** What stands in the lock: nothing yet, a note (unchecked), or nobody can say. */
export type LockContent = { readonly note: string | undefined } | 'unreachable';

/**
 * `advanced`: `next` stands there now. `unreachable`: it is not known whether it does. `conflict`: something else than `previous` stood
 * there (undefined: nothing), and nothing was changed.
 */
export type LockAdvance = 'advanced' | 'unreachable' | { readonly conflict: string | undefined };

export interface CheckpointLock {
  /** For messages: where it is, without credentials. */
  readonly location: string;
  read(): Promise<LockContent>;
  /**
   * Compare-and-swap on the exact text; `previous` is undefined when nothing may stand there. Answers within a second or says
   * `unreachable`: a commit waits for it. Never called again before the call before has been answered.
   */
  advance(previous: string | undefined, next: string): Promise<LockAdvance>;
  /** Makes the last state as durable as the store can; called once, after the last advance. */
  close(): Promise<void>;
}
