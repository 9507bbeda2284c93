import { readU32 } from '../../kernel/bytes.ts';
import type { Attack } from '../attack.ts';
import { toDraft } from '../draft.ts';
import { withOtherMessage } from '../leaf-text.ts';
import { Thief } from '../thief.ts';

export const fullRewrite: Attack = {
  name: 'full-rewrite',
  summary: 'an event of a sealed epoch is edited by a thief of every secret on the disk, who makes and signs all anew that can be',
  needs: ['epoch-key', 'log-key', 'seals'],
  isHarmful: true,
  expected: { root: 'TAMPERED', anchor: 'FORKED', public: 'OK_UNANCHORED' },
  isLocated: true,
  live: 'detected',
  apply(view) {
    const thief = new Thief(view);
    const { seq, frame } = view.victim((leaf) => readU32(leaf, 12) < thief.keys.stolenAt);
    thief.publish(thief.assemble(thief.drafts().with(seq, toDraft(withOtherMessage(frame.leaf)))));
    return { leaves: { first: seq, last: seq }, note: `edited leaf ${seq} of a sealed epoch and signed the result with every stolen key` };
  },
};
