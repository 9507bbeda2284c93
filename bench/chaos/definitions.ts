/** Printed in every report: what its figures mean. */
export const DEFINITIONS = {
  'H(r)':
    'The cost admitted for the key with a stamp in (s − τ, s], in the order of decisions, s being the time of decision r on the clock of the store.',
  over: 'H(r) + cost > R for some limit of the request that is no dry run: the definition refuses it.',
  'false negative (FN)': 'Admitted although over. Rate: of those that are over.',
  'false positive (FP)': 'Refused with 429 although not over. Rate: of those that are not over.',
  'refused by a fault': 'Answered with 503 because the store was away or the table of keys full; not among the false positives.',
  'at 95 %': 'Upper end of the confidence interval of the rate (Wilson score); about 3.8 / n when none of n was seen.',
  'near the limit': 'Not over, and nine tenths of a limit or more taken with it.',
  'certain over':
    'By the clock of the clients alone: more than R admitted by requests that lie wholly inside less than τ. Requests that no other limit can refuse.',
  'certain false':
    'By the clock of the clients alone: refused with 429 although, counting everything that may overlap, no more than R − cost was admitted.',
  exact: 'Expected: no false negative, at most 0.1 % false positives, no refusal by a fault.',
  phantoms:
    'Expected: no false negative. What Redis charged while its answer was lost, or came too late, is charged and was not admitted: it may refuse too early.',
  shares:
    'Expected: while nodes decide alone, and for one τ after, at most R + Σ floor(R / N) of the nodes that are cut off, so no more than 2 R.',
  lost: 'Expected: windows in memory go with their process, so at most 2 R in a window.',
} as const;
