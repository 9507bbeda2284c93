import { AttackError } from '../attack-error.ts';
import { TAMPERED, type Attack } from '../attack.ts';
import { remove } from '../disk.ts';

export const deleteSegment: Attack = {
  name: 'delete-segment',
  summary: 'a whole segment is taken out of the middle, as retention would, but without the record of it',
  needs: ['three-segments'],
  isHarmful: true,
  expected: TAMPERED,
  isLocated: true,
  live: 'detected',
  apply(view) {
    const inner = view.segments().slice(1, -1);
    const segment = inner.findLast(({ first }) => first <= view.aim()) ?? inner[0];
    if (segment === undefined) throw new AttackError('not-possible', 'the ledger has no segment between its first and its last');
    const last = segment.first + view.frames(segment).length - 1;
    remove(segment.path);
    return { leaves: { first: segment.first, last }, note: `removed ${segment.path}` };
  },
};
