import { readU32 } from '../../kernel/bytes.ts';
import { TAMPERED, type Attack } from '../attack.ts';
import { toDraft } from '../draft.ts';
import { withOtherMessage } from '../leaf-text.ts';
import { Thief } from '../thief.ts';

export const remacStolenKey: Attack = {
  name: 'remac-stolen-key',
  summary: 'an event of the running epoch is edited and every MAC from there on made again with the stolen epoch key',
  needs: ['epoch-key', 'log-key'],
  isHarmful: true,
  expected: TAMPERED,
  isLocated: false,
  live: 'detected',
  apply(view) {
    const thief = new Thief(view);
    const { seq, frame } = view.victim((leaf) => readU32(leaf, 12) >= thief.keys.stolenAt);
    const drafts = thief.drafts().with(seq, toDraft(withOtherMessage(frame.leaf)));
    thief.writeSegments(thief.assemble(drafts));
    return {
      leaves: { first: seq, last: drafts.length - 1 },
      note: `edited leaf ${seq} and re-MACed all from it on; the checkpoint stays`,
    };
  },
};
