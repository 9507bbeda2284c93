import { join } from 'node:path';
import { AttackError } from './attack-error.ts';
import { copyOver, isThere, makeTempFolder } from './disk.ts';

/** A copy of the data folder, and of the keys when they lie elsewhere, in a fresh temporary folder; nobody removes it. */
export function copyLedger(
  dataDir: string,
  keysDir: string | undefined,
  parent?: string,
): { dataDir: string; keysDir: string | undefined } {
  if (!isThere(join(dataDir, 'ledger'))) throw new AttackError('not-a-ledger', `there is no ledger in "${dataDir}"`);
  const copy = makeTempFolder(parent);
  copyOver(dataDir, join(copy, 'data'));
  if (keysDir === undefined) return { dataDir: join(copy, 'data'), keysDir: undefined };
  copyOver(keysDir, join(copy, 'keys'));
  return { dataDir: join(copy, 'data'), keysDir: join(copy, 'keys') };
}
