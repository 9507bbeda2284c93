import { rootKeysHere } from './key-files.ts';
import type { LedgerPaths } from './paths.ts';

/** Whether what was sealed is safe from whoever takes this machine, in words for people. */
export function forwardSecurity(isSealing: boolean, paths: LedgerPaths): string {
  if (!isSealing) return 'not in force: this ledger does not seal its epochs yet';
  const here = rootKeysHere(paths);
  return here.length === 0 ? 'in force' : `not in force: ${here.map((name) => `KEYS_DIR/${name}`).join(', ')} is still on this machine`;
}
