import { AttackError } from '../attack-error.ts';
import { TAMPERED, type Attack } from '../attack.ts';
import { rename } from '../disk.ts';

export const swapSegmentNames: Attack = {
  name: 'swap-segment-names',
  summary: 'two full segments change their names',
  needs: ['segments'],
  isHarmful: true,
  expected: TAMPERED,
  isLocated: true,
  live: 'detected',
  apply(view) {
    const [one, other] = view.segments();
    if (other === undefined) throw new AttackError('not-possible', 'the ledger has one segment only');
    const last = other.first + view.frames(other).length - 1;
    rename(one.path, `${one.path}.~`);
    rename(other.path, one.path);
    rename(`${one.path}.~`, other.path);
    return { leaves: { first: one.first, last }, note: `exchanged the names of ${one.path} and ${other.path}` };
  },
};
