/**
 * What a verifier may conclude, with its exit code. Frozen: scripts depend on the numbers. 1 is never used on purpose, it is
 * Node's own crash. Of several findings the highest exit code is the verdict, and all of them are listed.
 */
export const VERDICT_EXIT_CODES = {
  OK_ANCHORED: 0,
  OK_UNANCHORED: 10,
  TORN_TAIL: 20,
  UNSEALED: 21,
  TRUNCATED: 30,
  TAMPERED: 31,
  FORKED: 32,
  ROLLED_BACK: 33,
  KEY_MISMATCH: 34,
  DOWNGRADE: 35,
  MALFORMED_ARCHIVE: 40,
  INCOMPLETE: 41,
  ERROR: 70,
} as const;

export type Verdict = keyof typeof VERDICT_EXIT_CODES;

/** One sentence for a person who has never seen the list. */
export const VERDICT_MEANINGS: Readonly<Record<Verdict, string>> = {
  OK_ANCHORED: 'everything checked is intact, and its end is the one that the anchor states',
  OK_UNANCHORED: 'everything checked is intact; without an anchor of the same size, a rollback to this older state cannot be excluded',
  TORN_TAIL: 'intact up to the acknowledged end; the bytes after it are incomplete or vouched for by nothing',
  UNSEALED: 'intact, but the ledger does not seal its keys: an intruder who read the HMAC key could have rewritten the past',
  TRUNCATED: 'the ledger ends before something that it had acknowledged: its end is missing',
  TAMPERED: 'something was changed after it was written',
  FORKED: 'two signed histories of this ledger exist that contradict each other',
  ROLLED_BACK: 'the state on disk is older than a state known to have existed, or its record of what was acknowledged is lost',
  KEY_MISMATCH: 'a key that was given does not belong to this ledger',
  DOWNGRADE: 'protection that the ledger was born with has been taken away',
  MALFORMED_ARCHIVE: 'the archive is not one that this product writes',
  INCOMPLETE: 'the bundle leaves out entries of its window',
  ERROR: 'the check could not be carried out',
};

/** The verdict with the highest exit code. */
export function worstVerdict(first: Verdict, ...others: readonly Verdict[]): Verdict {
  return others.reduce((worst, verdict) => (VERDICT_EXIT_CODES[verdict] > VERDICT_EXIT_CODES[worst] ? verdict : worst), first);
}

/** Which of the accepted weaknesses the caller knows about and takes. */
export interface Allowances {
  readonly unanchored: boolean;
}

/** OK_UNANCHORED answers 0 when the caller said that it knows; nothing else is ever softened. */
export function toExitCode(verdict: Verdict, allow: Allowances): number {
  return verdict === 'OK_UNANCHORED' && allow.unanchored ? 0 : VERDICT_EXIT_CODES[verdict];
}
