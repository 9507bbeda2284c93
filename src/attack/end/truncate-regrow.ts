import { readU32 } from '../../kernel/bytes.ts';
import { LEAF_TYPES } from '../../kernel/leaf.ts';
import type { Attack } from '../attack.ts';
import { forgedEvent } from '../draft.ts';
import { Thief } from '../thief.ts';

export const truncateRegrow: Attack = {
  name: 'truncate-regrow',
  summary:
    'the ledger is cut back into a sealed epoch and grown to its old length with other events, all signed by a thief of every secret',
  needs: ['epoch-key', 'log-key', 'seals'],
  isHarmful: true,
  expected: { root: 'TAMPERED', anchor: 'FORKED', public: 'OK_UNANCHORED' },
  isLocated: true,
  live: 'detected',
  apply(view) {
    const thief = new Thief(view);
    const { seq } = view.victim((leaf) => readU32(leaf, 12) < thief.keys.stolenAt);
    const drafts = thief.drafts();
    for (const [index, draft] of drafts.entries()) {
      if (index >= seq && draft.type === LEAF_TYPES.event) drafts[index] = forgedEvent(draft, `regrown ${index}`);
    }
    thief.publish(thief.assemble(drafts));
    return { leaves: { first: seq, last: drafts.length - 1 }, note: `replaced every event from leaf ${seq} on and signed the result` };
  },
};
