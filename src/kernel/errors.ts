/**
 * The base of every error the product raises on purpose. Each room has one subclass with a closed union of codes;
 * what a code means, and which HTTP status it answers, stands in one table (error-codes.ts).
 */
export class CodedError<Code extends string = string> extends Error {
  readonly code: Code;

  constructor(code: Code, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
  }
}

/** A broken invariant: our own mistake, never the caller's. For the ledger it ends the process; recovery is the normal start. */
class InvariantError extends CodedError<'invariant'> {
  constructor(message: string) {
    super('invariant', message);
  }
}

/** Throws an InvariantError unless the fact holds. */
export function assertInvariant(fact: boolean, message: string): asserts fact {
  if (!fact) throw new InvariantError(message);
}
