import { CodedError } from '../kernel/errors.ts';

/** A shorter window that was really built and fits. */
export interface FittingWindow {
  /** RFC 3339. */
  readonly from: string;
  readonly to: string;
  readonly entries: number;
  readonly bytes: number;
}

/**
 * bad-window: the window cannot be read, or the ledger began after it.
 * window-in-future: the window is not over yet; its bundle would not be the last word about it.
 * too-large: not everything in the window fits; nothing is ever left out to make it fit.
 * busy: as many bundles are waiting to be built as there may be; try again later.
 */
export class BundleError extends CodedError<'bad-window' | 'window-in-future' | 'too-large' | 'busy'> {
  readonly fitting: FittingWindow | undefined;

  constructor(
    code: 'bad-window' | 'window-in-future' | 'too-large' | 'busy',
    message: string,
    options: { cause?: unknown; fitting?: FittingWindow | undefined } = {},
  ) {
    super(code, message, options);
    this.fitting = options.fitting;
  }
}
