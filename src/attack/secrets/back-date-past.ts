import { readU32 } from '../../kernel/bytes.ts';
import type { Attack } from '../attack.ts';
import { Thief } from '../thief.ts';

export const backDatePast: Attack = {
  name: 'back-date-past',
  summary: 'an event of a sealed epoch gets the time of the entry before it, by a thief of every secret who signs all anew that can be',
  needs: ['epoch-key', 'log-key', 'seals'],
  isHarmful: true,
  expected: { root: 'TAMPERED', anchor: 'FORKED', public: 'OK_UNANCHORED' },
  isLocated: true,
  live: 'detected',
  apply(view) {
    const thief = new Thief(view);
    const drafts = thief.drafts();
    const { seq } = view.victim(
      (leaf, seq) => readU32(leaf, 12) < thief.keys.stolenAt && seq > 0 && drafts[seq - 1].timeNs < drafts[seq].timeNs,
    );
    drafts[seq].timeNs = drafts[seq - 1].timeNs;
    thief.publish(thief.assemble(drafts));
    return { leaves: { first: seq, last: seq }, note: `back-dated leaf ${seq} of a sealed epoch to the time of leaf ${seq - 1}` };
  },
};
