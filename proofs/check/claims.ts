/** A claim of Claims.lean, as Lean exports it. */
export interface Claim {
  readonly id: string;
  readonly sentence: string;
  readonly theorems: readonly string[];
  readonly metric: string;
  readonly threshold: number;
  readonly window: string;
  readonly implementation: readonly string[];
  readonly assumptions: readonly string[];
}

/** Where the exported claims live, relative to the root of the repository. */
export const CLAIMS_DIR = 'grafana/specs';

/** Names of files are made from ids. */
const CLAIM_ID = /^[a-z][a-z0-9-]*$/;

/** One file for each claim: path relative to the root → content, the same bytes for the same claims. */
export function claimFiles(claims: readonly Claim[]): ReadonlyMap<string, string> {
  const files = new Map<string, string>();
  for (const claim of claims) {
    const path = `${CLAIMS_DIR}/${claim.id}.json`;
    if (!CLAIM_ID.test(claim.id)) throw new Error(`the id of a claim is "${claim.id}", which is no name for a file`);
    if (files.has(path)) throw new Error(`two claims have the id "${claim.id}"`);
    const { id, sentence, theorems, metric, threshold, window, implementation, assumptions } = claim;
    const ordered = { id, sentence, theorems, metric, threshold, window, implementation, assumptions };
    files.set(path, `${JSON.stringify(ordered, undefined, 2)}\n`);
  }
  return new Map([...files].toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
