import { LEAF_TYPES } from '../../kernel/leaf.ts';
import { AttackError } from '../attack-error.ts';
import type { Attack } from '../attack.ts';
import { lastRequest } from '../last-request.ts';
import { Thief } from '../thief.ts';

export const lyingDisk: Attack = {
  name: 'lying-disk',
  summary: 'the disk acknowledged the last commit and lost it; what is left is the state of the commit before (simulated with the keys)',
  needs: ['epoch-key', 'log-key'],
  isHarmful: true,
  expected: { root: 'OK_UNANCHORED', anchor: 'ROLLED_BACK', public: 'OK_UNANCHORED' },
  isLocated: false,
  live: { exempt: 'nothing changes while the machine is up; the loss shows after the next power cut, and only against an anchor' },
  apply(view) {
    const leaves = view.leaves().slice(0, view.acknowledged());
    const [size, last] = [lastRequest(leaves), leaves.length - 1];
    if (leaves[last][1] === LEAF_TYPES.epochSeal)
      throw new AttackError('not-possible', 'the last commit holds a seal: its key change would be lost with it');
    new Thief(view).publish(leaves.slice(0, size));
    return { leaves: { first: size, last }, note: `took back leaves ${size} to ${last} in all files` };
  },
};
