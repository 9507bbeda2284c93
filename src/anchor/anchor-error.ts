import { CodedError } from '../kernel/errors.ts';

export type AnchorErrorCode =
  | 'bad-config' // a list of logs or witnesses that the settings name cannot be used
  | 'bad-key' // witness.key is unreadable, malformed or readable by others
  | 'unanchored' // the checkpoint lock cannot be reached: a receipt would promise more than is kept
  | 'invalid-request' // not an add-checkpoint request
  | 'not-found' // a checkpoint of a log that this witness was not told of
  | 'bad-signature' // no signature of a trusted key of that log
  | 'bad-proof' // the consistency proof does not lead from the checkpoint cosigned last to this one
  | 'busy' // too many checkpoints of one log wait
  | 'io'; // the witness's own record, or the entries of a receipt, cannot be read

/** Everything the anchors refuse on purpose. */
export class AnchorError extends CodedError<AnchorErrorCode> {}
