import { join } from 'node:path';
import type { Attack } from '../attack.ts';
import { copyOver, removeTree } from '../disk.ts';
import { olderCopy } from '../older-copy.ts';

export const rollbackDirectory: Attack = {
  name: 'rollback-directory',
  summary: 'the whole folder, keys and all, is set back to an older copy of itself',
  needs: ['older-copy'],
  isHarmful: true,
  expected: { root: 'OK_UNANCHORED', anchor: 'ROLLED_BACK', public: 'OK_UNANCHORED' },
  isLocated: false,
  live: 'detected',
  apply(view) {
    const older = olderCopy(view);
    const [size, last] = [older.size(), view.size() - 1];
    for (const name of ['ledger', 'keys']) removeTree(join(view.dataDir, name));
    copyOver(older.dataDir, view.dataDir);
    return { leaves: { first: size, last }, note: `set the folder back to its state of ${size} leaves` };
  },
};
