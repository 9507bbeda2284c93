import { CodedError } from '../kernel/errors.ts';

/**
 * `archive-unreachable`: the store did not do what it was asked to; trying again later is right. `archive-conflict`: what stands in the
 * store is not an earlier state of this ledger; nothing is written there until somebody has looked. `pruned`: leaves that the store
 * lacks have been removed here.
 */
export type ArchiveErrorCode = 'archive-unreachable' | 'archive-conflict' | 'pruned';

export class ArchiveError extends CodedError<ArchiveErrorCode> {}
