import { CodedError } from '../kernel/errors.ts';
import { errorCode } from './disk.ts';
import { PatchRefused } from './patch.ts';
import { VersionsError } from './versions-error.ts';

/** Whatever goes wrong in this room, as its own error. */
export function toVersionsError(cause: unknown): VersionsError {
  if (cause instanceof VersionsError) return cause;
  const message = cause instanceof Error ? cause.message : String(cause);
  const code = errorCode(cause);
  if (code === 'ENOSPC' || code === 'EDQUOT') return new VersionsError('disk-full', message, { cause });
  if (cause instanceof PatchRefused) return new VersionsError('version-damaged', message, { cause });
  // The ledger takes no entry, and without one nothing is changed.
  if (cause instanceof CodedError && (cause.code === 'disk-full' || cause.code === 'closed'))
    return new VersionsError(cause.code, message, { cause });
  if (cause instanceof CodedError && cause.code === 'queue-full') return new VersionsError('busy', message, { cause });
  return new VersionsError('version-io', message, { cause });
}
