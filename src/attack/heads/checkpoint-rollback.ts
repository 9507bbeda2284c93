import type { Attack } from '../attack.ts';
import { rewrite } from '../disk.ts';
import { Thief } from '../thief.ts';

export const checkpointRollback: Attack = {
  name: 'checkpoint-rollback',
  summary: 'an older signed checkpoint takes the place of the newest; the entries stay',
  needs: ['epoch-key', 'log-key'],
  isHarmful: false,
  expected: { root: 'TORN_TAIL', anchor: 'TORN_TAIL', public: 'TORN_TAIL' },
  isLocated: false,
  live: 'detected',
  apply(view) {
    const size = Math.max(1, view.victim().seq);
    rewrite(view.path('checkpoint'), Buffer.from(new Thief(view).checkpoint(view.leaves().slice(0, size))));
    return { leaves: undefined, note: `put the checkpoint of ${size} leaves in the place of the newest` };
  },
};
