import { readU32 } from '../../kernel/bytes.ts';
import type { Attack } from '../attack.ts';
import { toDraft } from '../draft.ts';
import { withOtherMessage } from '../leaf-text.ts';
import { Thief } from '../thief.ts';

export const rewriteRunning: Attack = {
  name: 'rewrite-running',
  summary: 'an event of the running epoch is edited by a thief of every secret: the documented limit of forward security',
  needs: ['epoch-key', 'log-key'],
  isHarmful: true,
  expected: { root: 'OK_UNANCHORED', anchor: 'FORKED', public: 'OK_UNANCHORED' },
  isLocated: false,
  live: 'detected',
  apply(view) {
    const thief = new Thief(view);
    const { seq, frame } = view.victim((leaf) => readU32(leaf, 12) >= thief.keys.stolenAt);
    thief.publish(thief.assemble(thief.drafts().with(seq, toDraft(withOtherMessage(frame.leaf)))));
    return { leaves: { first: seq, last: view.size() - 1 }, note: `edited leaf ${seq} of the running epoch and signed the result` };
  },
};
