import { CodedError } from '../kernel/errors.ts';

/**
 * bad-input: something the caller gave (a key file, an anchor, a folder) cannot be used; exit code 2.
 * not-a-file: a name of the ledger is a link, a folder or a device; a finding.
 * unreadable: the system refused to read; the check cannot be carried out.
 */
export class VerifyError extends CodedError<'bad-input' | 'not-a-file' | 'unreadable'> {}
