import { CodedError } from '../kernel/errors.ts';

export type LedgerErrorCode =
  | 'queue-full' // more is waiting than the bound allows; try again later
  | 'disk-full' // nothing of this request was stored; works again when space returns
  | 'key-reused' // this Idempotency-Key came with another body before
  | 'closed' // the sidecar is shutting down
  | 'failed' // the writer died; the process ends and recovery is the normal start
  | 'locked' // another process writes this ledger
  | 'truncated' // the ledger ends below what was acknowledged or signed
  | 'tampered' // bytes below the watermark are not what was written
  | 'forked' // the checkpoint lock contradicts this ledger
  | 'rolled-back' // the checkpoint lock is newer than this ledger
  | 'state-lost' // no readable watermark: only an outside checkpoint can say how much there should be
  | 'key-mismatch' // these keys did not write this ledger
  | 'bad-key' // a key file is unreadable, malformed or readable by others
  | 'bad-anchor' // the operator's checkpoint does not fit this ledger
  | 'pruned' // retention removed these entries
  | 'io'; // a file could not be read, or does not hold what its index says

/** Everything the ledger refuses on purpose. */
export class LedgerError extends CodedError<LedgerErrorCode> {
  /** With `pruned`: the first entry behind those that were removed. */
  readonly goesOnAt: number | undefined;

  constructor(code: LedgerErrorCode, message: string, options: { readonly cause?: unknown; readonly goesOnAt?: number } = {}) {
    super(code, message, { cause: options.cause });
    this.goesOnAt = options.goesOnAt;
  }
}
