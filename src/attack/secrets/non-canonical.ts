import { readU32 } from '../../kernel/bytes.ts';
import type { Attack } from '../attack.ts';
import { Thief } from '../thief.ts';

export const nonCanonical: Attack = {
  name: 'non-canonical',
  summary: 'an event of the running epoch is spelled differently, with the same meaning, and signed with the stolen keys',
  needs: ['epoch-key', 'log-key'],
  isHarmful: true,
  expected: { root: 'TAMPERED', anchor: 'FORKED', public: 'TAMPERED' },
  isLocated: true,
  live: 'detected',
  apply(view) {
    const thief = new Thief(view);
    const { seq } = view.victim((leaf) => readU32(leaf, 12) >= thief.keys.stolenAt);
    const drafts = thief.drafts();
    drafts[seq].payload = Buffer.from(Buffer.from(drafts[seq].payload).toString('utf8').replace('{', '{ '));
    thief.publish(thief.assemble(drafts));
    return { leaves: { first: seq, last: seq }, note: `put a space into leaf ${seq}` };
  },
};
