import { LEAF_TYPES } from '../../kernel/leaf.ts';
import { AttackError } from '../attack-error.ts';
import type { Attack } from '../attack.ts';
import { Thief } from '../thief.ts';

export const truncateToSeal: Attack = {
  name: 'truncate-to-seal',
  summary: 'the running epoch is dropped: a thief of every secret cuts back to the last seal and signs that as the head',
  needs: ['epoch-key', 'log-key', 'seals'],
  isHarmful: true,
  expected: { root: 'OK_UNANCHORED', anchor: 'ROLLED_BACK', public: 'OK_UNANCHORED' },
  isLocated: false,
  live: 'detected',
  apply(view) {
    const thief = new Thief(view);
    const leaves = view.leaves();
    const size = leaves.findLastIndex((leaf) => leaf[1] === LEAF_TYPES.epochSeal) + 1;
    if (size === 0 || size === leaves.length)
      throw new AttackError('not-possible', 'the ledger ends with a seal: its running epoch is empty');
    thief.publish(leaves.slice(0, size));
    return { leaves: { first: size, last: leaves.length - 1 }, note: `cut back to the seal at leaf ${size - 1} and signed that` };
  },
};
