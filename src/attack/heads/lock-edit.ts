import { join } from 'node:path';
import { INTACT, type Attack } from '../attack.ts';
import { isThere, remove, writeWhole } from '../disk.ts';

export const lockEdit: Attack = {
  name: 'lock-edit',
  summary: 'the file whose lock keeps a second writer out is exchanged for a new one that nobody holds',
  needs: [],
  isHarmful: false,
  expected: INTACT,
  isLocated: false,
  live: 'detected',
  apply(view) {
    const path = join(view.dataDir, 'ledger.lock');
    if (isThere(path)) remove(path);
    writeWhole(path, '');
    return { leaves: undefined, note: `put a new file in the place of ${path}` };
  },
};
