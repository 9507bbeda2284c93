import { CodedError } from '../kernel/errors.ts';

/**
 * `version-conflict`: the head is not the version that the caller knows (details.current says which it is). `version-held`: a hold refuses
 * changes. `version-gone`: the record is there and the content was removed by retention. `version-damaged`: bytes on the disk are not those
 * that were stored; the message names the place. `version-limit`: a count or a size has reached what the settings allow. `version-io`: the
 * disk failed; what was asked for did not happen, unless the message says that it may have. `not-confirmable`: nothing waits to be confirmed.
 */
export type VersionsErrorCode =
  | 'not-found'
  | 'precondition-required'
  | 'version-conflict'
  | 'version-held'
  | 'version-gone'
  | 'version-damaged'
  | 'version-limit'
  | 'version-io'
  | 'not-confirmable'
  | 'key-reused'
  | 'too-large'
  | 'disk-full'
  | 'busy'
  | 'closed';

export interface VersionsErrorDetails {
  /** The head, where the caller has to know it to go on. */
  readonly current?: { readonly version: number; readonly sha256: string } | undefined;
}

export class VersionsError extends CodedError<VersionsErrorCode> {
  readonly details: VersionsErrorDetails;

  constructor(code: VersionsErrorCode, message: string, options: { cause?: unknown; details?: VersionsErrorDetails } = {}) {
    super(code, message, { cause: options.cause });
    this.details = options.details ?? {};
  }
}
