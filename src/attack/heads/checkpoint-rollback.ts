import type { Attack } from '../attack.ts';
import { readAll, rewrite } from '../disk.ts';
import { isReplaced } from '../is-replaced.ts';
import { olderCopy } from '../older-copy.ts';

export const checkpointRollback: Attack = {
  name: 'checkpoint-rollback',
  summary: 'an older signed checkpoint, which was kept, takes the place of the newest; the entries stay',
  needs: ['older-copy'],
  isHarmful: false,
  expected: { root: 'TORN_TAIL', anchor: 'TORN_TAIL', public: 'TORN_TAIL' },
  isLocated: false,
  live: 'detected',
  apply(view) {
    const older = olderCopy(view);
    const [path, stored] = [view.path('checkpoint'), readAll(older.path('checkpoint'))];
    rewrite(path, stored);
    const note = `put the checkpoint of ${older.size()} leaves in the place of the newest`;
    return { leaves: undefined, note, isUndone: () => isReplaced(path, 0, stored) };
  },
};
