import { join } from 'node:path';
import { AttackError } from '../attack-error.ts';
import type { Attack } from '../attack.ts';
import { copyOver, removeTree } from '../disk.ts';
import { LedgerView } from '../ledger-view.ts';

export const rollbackDirectory: Attack = {
  name: 'rollback-directory',
  summary: 'the whole folder, keys and all, is set back to an older copy of itself',
  needs: ['older-copy'],
  isHarmful: true,
  expected: { root: 'OK_UNANCHORED', anchor: 'ROLLED_BACK', public: 'OK_UNANCHORED' },
  isLocated: false,
  live: 'detected',
  apply(view) {
    if (view.olderDir === undefined) throw new AttackError('not-possible', 'it needs --older DIR: an older copy of the folder');
    const older = new LedgerView({ dataDir: view.olderDir });
    const [size, last] = [older.size(), view.size() - 1];
    for (const name of ['ledger', 'keys']) removeTree(join(view.dataDir, name));
    copyOver(view.olderDir, view.dataDir);
    return { leaves: { first: size, last }, note: `set the folder back to its state of ${size} leaves` };
  },
};
