import { CodedError } from '../kernel/errors.ts';

/** `not-possible`: this ledger or machine lacks what the attack needs; nothing was changed. `not-a-ledger`: the folder holds none. */
type AttackErrorCode = 'not-possible' | 'not-a-ledger';

export class AttackError extends CodedError<AttackErrorCode> {}
