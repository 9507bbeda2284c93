import { ERROR_CODES, isErrorCode, type ErrorEntry } from '../kernel/error-codes.ts';
import { CodedError } from '../kernel/errors.ts';
import type { Observer } from '../observe/observer.ts';
import type { VersionCause } from '../observe/version-events.ts';

/** Carries a change out, and counts and logs what became of it. `describe` says nothing where nothing was changed, as by a repetition. */
export async function changeVersion<T>(
  observer: Observer,
  cause: VersionCause,
  name: string,
  change: () => Promise<T>,
  describe: (changed: T) => string | undefined,
): Promise<T> {
  try {
    const changed = await change();
    const detail = describe(changed);
    if (detail !== undefined) observer.versionChanged(cause, 'done', name, detail);
    return changed;
  } catch (error) {
    const entry: ErrorEntry | undefined = error instanceof CodedError && isErrorCode(error.code) ? ERROR_CODES[error.code] : undefined;
    const isTheirs = entry?.status !== undefined && entry.status < 500;
    observer.versionChanged(cause, isTheirs ? 'refused' : 'failed', name, error instanceof Error ? error.message : String(error));
    throw error;
  }
}
