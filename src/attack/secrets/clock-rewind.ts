import { readU32 } from '../../kernel/bytes.ts';
import type { Attack } from '../attack.ts';
import { Thief } from '../thief.ts';

const HOUR_NS = 3_600_000_000_000n;

export const clockRewind: Attack = {
  name: 'clock-rewind',
  summary: 'an event of the running epoch is dated an hour back, before the last seal, and signed with the stolen keys',
  needs: ['epoch-key', 'log-key'],
  isHarmful: true,
  expected: { root: 'TAMPERED', anchor: 'FORKED', public: 'TAMPERED' },
  isLocated: true,
  live: 'detected',
  apply(view) {
    const thief = new Thief(view);
    const { seq } = view.victim((leaf) => readU32(leaf, 12) >= thief.keys.stolenAt);
    const drafts = thief.drafts();
    drafts[seq].timeNs -= HOUR_NS;
    thief.publish(thief.assemble(drafts));
    return { leaves: { first: seq, last: seq }, note: `dated leaf ${seq} an hour back` };
  },
};
