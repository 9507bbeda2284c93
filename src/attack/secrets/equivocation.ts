import { readU32 } from '../../kernel/bytes.ts';
import type { Attack } from '../attack.ts';
import { forgedEvent } from '../draft.ts';
import { Thief } from '../thief.ts';

export const equivocation: Attack = {
  name: 'equivocation',
  summary: 'a second history, of another end and more entries, is signed with the stolen keys to be shown to somebody else',
  needs: ['epoch-key', 'log-key'],
  isHarmful: true,
  expected: { root: 'OK_UNANCHORED', anchor: 'FORKED', public: 'OK_UNANCHORED' },
  isLocated: false,
  live: 'detected',
  apply(view) {
    const thief = new Thief(view);
    const { seq } = view.victim((leaf) => readU32(leaf, 12) >= thief.keys.stolenAt && (leaf[3] & 1) === 1);
    const drafts = thief.drafts().slice(0, seq);
    const model = thief.drafts()[seq];
    for (let index = seq; index <= view.size(); index++) drafts.push(forgedEvent(model, `another history ${index}`));
    thief.publish(thief.assemble(drafts));
    return { leaves: { first: seq, last: view.size() - 1 }, note: `signed another history from leaf ${seq} on` };
  },
};
