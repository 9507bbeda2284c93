import { TAMPERED, type Attack } from '../attack.ts';
import { rewrite } from '../disk.ts';
import { joinFrames } from '../frames.ts';
import { olderCopy } from '../older-copy.ts';

export const spliceOtherLife: Attack = {
  name: 'splice-other-life',
  summary: 'an entry that this ledger really held in an earlier life, before it was set back, stands in the place of today’s',
  needs: ['other-life'],
  isHarmful: true,
  expected: TAMPERED,
  isLocated: true,
  live: 'detected',
  apply(view) {
    const held = olderCopy(view, 'a copy of the folder that went on differently').leaves();
    const { seq } = view.victim((leaf, seq) => seq < held.length && !held[seq].equals(leaf));
    const { segment } = view.place(seq);
    const leaves = view.frames(segment).map(({ leaf }) => leaf);
    rewrite(segment.path, joinFrames(leaves.with(seq - segment.first, held[seq])));
    return { leaves: { first: seq, last: seq }, note: `put leaf ${seq} of the ledger's other life in the place of today's` };
  },
};
