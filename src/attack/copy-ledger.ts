import { join } from 'node:path';
import { AttackError } from './attack-error.ts';
import { copyOver, isThere, makeTempFolder } from './disk.ts';
import type { ViewOptions } from './ledger-view.ts';

/** A copy of the data folder, and of keys and archive that lie elsewhere, in a fresh temporary folder; nobody removes it. */
export function copyLedger(options: ViewOptions, parent?: string): Pick<ViewOptions, 'dataDir' | 'keysDir' | 'archiveDir'> {
  if (!isThere(join(options.dataDir, 'ledger'))) throw new AttackError('not-a-ledger', `there is no ledger in "${options.dataDir}"`);
  const copy = makeTempFolder(parent);
  const copyTo = (from: string | undefined, name: string): string | undefined => {
    if (from === undefined) return undefined;
    copyOver(from, join(copy, name));
    return join(copy, name);
  };
  copyOver(options.dataDir, join(copy, 'data'));
  return { dataDir: join(copy, 'data'), keysDir: copyTo(options.keysDir, 'keys'), archiveDir: copyTo(options.archiveDir, 'archive') };
}
