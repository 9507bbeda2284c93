import { CodedError } from '../kernel/errors.ts';

export type ImportErrorCode =
  | 'unreadable' // a file is missing or cannot be read
  | 'unsupported' // compressed or binary input, a line no log has, or options that do not fit the format
  | 'refused' // the sidecar refused a batch; nothing of that batch is stored
  | 'forbidden' // the token is missing, wrong, or lacks the scope
  | 'unreachable' // no answer, or only temporary refusals, until the retries were used up
  | 'disk-full' // the sidecar has no space left; nothing of that batch is stored
  | 'bad-answer'; // what answered is not a sidecar

/** Everything the import refuses on purpose. */
export class ImportError extends CodedError<ImportErrorCode> {}
