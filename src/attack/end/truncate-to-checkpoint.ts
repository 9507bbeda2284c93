import type { Attack } from '../attack.ts';
import { cutBehind } from '../cut-behind.ts';
import { rewrite } from '../disk.ts';
import { Thief } from '../thief.ts';

export const truncateToCheckpoint: Attack = {
  name: 'truncate-to-checkpoint',
  summary: 'the ledger is cut back to an older signed checkpoint, which takes the place of the newest',
  needs: ['epoch-key', 'log-key'],
  isHarmful: true,
  expected: { root: 'TRUNCATED', anchor: 'ROLLED_BACK', public: 'TRUNCATED' },
  isLocated: true,
  live: 'detected',
  apply(view) {
    const [size, last] = [view.victim().seq, view.size() - 1];
    // Signed with the stolen key it is, to the byte, what GET /checkpoint answered when the ledger had that size.
    const checkpoint = new Thief(view).checkpoint(view.leaves().slice(0, size));
    cutBehind(view, size);
    rewrite(view.path('checkpoint'), Buffer.from(checkpoint));
    return { leaves: { first: size, last }, note: `cut back to the checkpoint of ${size} leaves` };
  },
};
