import { LEAF_TYPES } from '../../kernel/leaf.ts';
import { AttackError } from '../attack-error.ts';
import type { Attack } from '../attack.ts';
import { Thief } from '../thief.ts';

export const dropSeals: Attack = {
  name: 'drop-seals',
  summary: 'the last seal and all after it are dropped by a thief of every secret, so that an epoch before the theft runs again',
  needs: ['epoch-key', 'log-key', 'seals'],
  isHarmful: true,
  expected: { root: 'TAMPERED', anchor: 'ROLLED_BACK', public: 'TAMPERED' },
  isLocated: false,
  live: 'detected',
  apply(view) {
    const thief = new Thief(view);
    const leaves = view.leaves();
    const size = leaves.findLastIndex((leaf) => leaf[1] === LEAF_TYPES.epochSeal);
    if (size < 1) throw new AttackError('not-possible', 'the ledger holds no seal');
    thief.publish(leaves.slice(0, size));
    return {
      leaves: { first: size, last: leaves.length - 1 },
      note: `cut off the seal at leaf ${size} and all after it, and signed the rest`,
    };
  },
};
