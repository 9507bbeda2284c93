import { TAMPERED, type Attack } from '../attack.ts';
import { rewrite } from '../disk.ts';
import { joinFrames } from '../frames.ts';
import { withOtherMessage } from '../leaf-text.ts';

export const insert: Attack = {
  name: 'insert',
  summary: 'an event that never happened is put between two others',
  needs: [],
  isHarmful: true,
  expected: TAMPERED,
  isLocated: true,
  live: 'detected',
  apply(view) {
    const { seq } = view.victim();
    const { segment } = view.place(seq);
    const leaves = view.frames(segment).map(({ leaf }) => leaf);
    const index = seq - segment.first;
    const forged = withOtherMessage(leaves[index]);
    rewrite(segment.path, joinFrames([...leaves.slice(0, index + 1), forged, ...leaves.slice(index + 1)]));
    return { leaves: { first: seq, last: seq + 1 }, note: `inserted an altered copy of leaf ${seq} behind it` };
  },
};
