import { TAMPERED, type Attack } from '../attack.ts';
import { rewrite } from '../disk.ts';
import { joinFrames } from '../frames.ts';

export const replay: Attack = {
  name: 'replay',
  summary: 'an earlier event stands in the place of a later one',
  needs: [],
  isHarmful: true,
  expected: TAMPERED,
  isLocated: true,
  live: 'detected',
  apply(view) {
    const { seq } = view.victim((_, seq) => seq > view.place(seq).segment.first);
    const { segment } = view.place(seq);
    const leaves = view.frames(segment).map(({ leaf }) => leaf);
    const index = seq - segment.first;
    const earlier = leaves[Math.floor((index - 1) / 2)];
    rewrite(segment.path, joinFrames(leaves.with(index, earlier)));
    return { leaves: { first: seq, last: seq }, note: `put a copy of an earlier leaf in the place of leaf ${seq}` };
  },
};
