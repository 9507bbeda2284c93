import type { Attack } from '../attack.ts';
import { cutBehind } from '../cut-behind.ts';
import { readAll, rewrite } from '../disk.ts';
import { olderCopy } from '../older-copy.ts';

export const truncateToCheckpoint: Attack = {
  name: 'truncate-to-checkpoint',
  summary: 'the ledger is cut back to an older signed checkpoint, which was kept and takes the place of the newest',
  needs: ['older-copy'],
  isHarmful: true,
  expected: { root: 'TRUNCATED', anchor: 'ROLLED_BACK', public: 'TRUNCATED' },
  isLocated: true,
  live: 'detected',
  apply(view) {
    const older = olderCopy(view);
    const [size, last] = [older.size(), view.size() - 1];
    cutBehind(view, size);
    rewrite(view.path('checkpoint'), readAll(older.path('checkpoint')));
    return { leaves: { first: size, last }, note: `cut back to the checkpoint of ${size} leaves` };
  },
};
