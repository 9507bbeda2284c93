import { ERROR_CODES, type ErrorCode, type ErrorEntry } from '../kernel/error-codes.ts';
import type { RequestFault } from './http-error.ts';

/** The head of an artifact, for a caller who has to know it to go on. */
export interface CurrentHead {
  readonly version: number;
  readonly sha256: string;
  readonly etag: string;
}

/** What went wrong with one request, ready to be answered. */
export interface Problem {
  readonly code: ErrorCode;
  readonly detail: string;
  readonly faults?: readonly RequestFault[] | undefined;
  readonly faultsTotal?: number | undefined;
  readonly current?: CurrentHead | undefined;
}

export function problemStatus(problem: Problem): number {
  const entry: ErrorEntry = ERROR_CODES[problem.code];
  return entry.status ?? 500;
}

/** Body of the answer: RFC 9457 problem details, text and advice from the one table of codes. `requestId` is a UUID. */
export function formatProblem(problem: Problem, requestId: string): string {
  const { title, advice } = ERROR_CODES[problem.code];
  const { code, detail, faults, faultsTotal, current } = problem;
  const type = `urn:post-incident-proofs:error:${code}`;
  return JSON.stringify({
    type,
    title,
    status: problemStatus(problem),
    detail,
    advice,
    instance: `urn:uuid:${requestId}`,
    faults,
    faultsTotal,
    current,
  });
}
