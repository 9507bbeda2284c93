import { AttackError } from '../attack-error.ts';
import { TRUNCATED, type Attack } from '../attack.ts';
import { remove } from '../disk.ts';

export const deleteLastSegment: Attack = {
  name: 'delete-last-segment',
  summary: 'the newest segment is removed',
  needs: ['segments'],
  isHarmful: true,
  expected: TRUNCATED,
  isLocated: true,
  live: 'detected',
  apply(view) {
    const segment = view.segments().at(-1);
    if (segment === undefined || segment.first === 0) throw new AttackError('not-possible', 'the ledger has one segment only');
    const last = view.size() - 1;
    remove(segment.path);
    return { leaves: { first: segment.first, last }, note: `removed ${segment.path}` };
  },
};
