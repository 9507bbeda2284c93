import { readU32 } from '../../kernel/bytes.ts';
import { FLAG_LAST_OF_REQUEST, FLAG_REQUEST_TAG } from '../../kernel/leaf.ts';
import type { Attack } from '../attack.ts';
import type { LedgerView } from '../ledger-view.ts';
import { Thief } from '../thief.ts';

/** The lower byte of the flags. */
const FLAGS_AT = 3;

export const deletePast: Attack = {
  name: 'delete-past',
  summary: 'an event of a sealed epoch is deleted by a thief of every secret, who renumbers, recounts and signs all anew that can be',
  needs: ['epoch-key', 'log-key', 'seals'],
  isHarmful: true,
  expected: { root: 'TAMPERED', anchor: 'ROLLED_BACK', public: 'OK_UNANCHORED' },
  isLocated: true,
  live: 'detected',
  apply(view) {
    const thief = new Thief(view);
    const { seq } = view.victim((leaf, seq) => readU32(leaf, 12) < thief.keys.stolenAt && leavesRequestsWhole(view, leaf, seq));
    const drafts = thief.drafts();
    drafts.splice(seq, 1);
    thief.publish(thief.assemble(drafts));
    return { leaves: { first: seq, last: drafts.length }, note: `deleted leaf ${seq} of a sealed epoch and closed the gap` };
  },
};

/** Neither the last of several entries of a request, nor the first with its tag: what is left has to look like requests. */
function leavesRequestsWhole(view: LedgerView, leaf: Buffer, seq: number): boolean {
  if ((leaf[FLAGS_AT] & FLAG_REQUEST_TAG) !== 0) return false;
  const isLast = (leaf[FLAGS_AT] & FLAG_LAST_OF_REQUEST) !== 0;
  return !isLast || (view.place(seq - 1).frame.leaf[FLAGS_AT] & FLAG_LAST_OF_REQUEST) !== 0;
}
