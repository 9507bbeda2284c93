import { equalBytes } from '../kernel/bytes.ts';
import type { CheckpointLock } from './checkpoint-lock.ts';
import { ownCheckpoint } from './checkpoint.ts';
import { LedgerError } from './ledger-error.ts';
import type { LedgerIdentity } from './ports.ts';

/** What the ledger itself says about an earlier size; for a lock that could not be read at start. */
export interface OwnHistory {
  readonly size: number;
  rootAt(size: number): Promise<Uint8Array>;
}

/**
 * Moves the checkpoint lock on, one checkpoint after the other. A lock that cannot be reached holds up no commit: `advance` says so once,
 * and then answers false at once until `retry` has reached it. A lock that says something else than this ledger is fatal (LedgerError).
 */
export class CheckpointAnchor {
  readonly #lock: CheckpointLock | undefined;
  readonly #identity: LedgerIdentity;
  /** What stands in the lock; unknown until it could be read. */
  #standing: { readonly note: string | undefined } | undefined;
  #isReachable: boolean;
  #turn: Promise<unknown> = Promise.resolve();

  /** `standing` is what the start read and held the ledger against; undefined when the lock could not be reached then. */
  constructor(lock: CheckpointLock | undefined, identity: LedgerIdentity, standing: { readonly note: string | undefined } | undefined) {
    this.#lock = lock;
    this.#identity = identity;
    this.#standing = standing;
    this.#isReachable = lock === undefined || standing !== undefined;
  }

  get isReachable(): boolean {
    return this.#isReachable;
  }

  /** True when the note stands in the lock now (or there is no lock): it may be made public. */
  advance(note: string): Promise<boolean> {
    // A lost lock may take its whole deadline to say so again: that is for `retry` to wait.
    if (!this.#isReachable) return Promise.resolve(false);
    return this.#inTurn(() => (this.#isReachable ? this.#swap(note) : Promise.resolve(false)));
  }

  /**
   * Tries again to reach the lock, and to move it on to the note unless a newer one is there by the time it is its turn; true when it
   * stands there now.
   */
  retry(note: string, history: OwnHistory, isCurrent: () => boolean): Promise<boolean> {
    return this.#inTurn(async () => {
      if (this.#lock === undefined || !isCurrent()) return false;
      if (this.#standing === undefined) {
        const read = await this.#lock.read();
        if (read.outcome === 'unreachable') return false;
        if (read.note !== undefined) await this.#assertOfThisLedger(read.note, history);
        this.#standing = { note: read.note };
      }
      return this.#swap(note);
    });
  }

  async close(): Promise<void> {
    await this.#lock?.close();
  }

  async #swap(note: string): Promise<boolean> {
    if (this.#lock === undefined || this.#standing === undefined) return this.#lock === undefined;
    const answer = await this.#lock.advance(this.#standing.note, note);
    if (answer.outcome === 'conflict') throw this.#contradiction(answer.found);
    this.#isReachable = answer.outcome === 'advanced';
    if (this.#isReachable) this.#standing = { note };
    return this.#isReachable;
  }

  /** The lock takes one call at a time. */
  #inTurn(call: () => Promise<boolean>): Promise<boolean> {
    const answer = this.#turn.then(call);
    this.#turn = answer.catch(() => false);
    return answer;
  }

  async #assertOfThisLedger(note: string, history: OwnHistory): Promise<void> {
    const standing = ownCheckpoint(note, this.#identity);
    if (standing === undefined) throw this.#contradiction(note);
    if (standing.size > history.size) throw this.#rolledBack(standing.size, history.size);
    if (!equalBytes(await history.rootAt(standing.size), standing.root)) throw this.#contradiction(note);
  }

  #contradiction(found: string | undefined): LedgerError {
    const standing = found === undefined ? undefined : ownCheckpoint(found, this.#identity);
    const what = found === undefined ? 'nothing' : standing === undefined ? 'a note this ledger did not sign' : `${standing.size} entries`;
    return new LedgerError(
      'forked',
      `the checkpoint lock ${this.#lock?.location ?? ''} states ${what}, which this ledger did not put there: a second writer or a copy of it is at work`,
    );
  }

  #rolledBack(locked: number, size: number): LedgerError {
    return new LedgerError('rolled-back', `the ledger has ${size} entries, but the checkpoint lock states ${locked}`);
  }
}
