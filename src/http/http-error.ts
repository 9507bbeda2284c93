import { CodedError } from '../kernel/errors.ts';
import type { ErrorCode } from '../kernel/error-codes.ts';

/** One thing wrong with a request. */
export interface RequestFault {
  readonly line?: number;
  readonly field: string;
  readonly reason: string;
}

/** A request refused at the HTTP border, with everything that is wrong with it. */
export class HttpError extends CodedError<ErrorCode> {
  readonly faults: readonly RequestFault[] | undefined;
  readonly faultsTotal: number | undefined;

  constructor(code: ErrorCode, detail: string, options: { faults?: readonly RequestFault[]; faultsTotal?: number; cause?: unknown } = {}) {
    super(code, detail, { cause: options.cause });
    this.faults = options.faults;
    this.faultsTotal = options.faultsTotal;
  }
}
