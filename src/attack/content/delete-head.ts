import { TAMPERED, type Attack } from '../attack.ts';
import { rewrite } from '../disk.ts';
import { joinFrames } from '../frames.ts';

export const deleteHead: Attack = {
  name: 'delete-head',
  summary: 'the genesis leaf and the entry after it are taken away',
  needs: [],
  isHarmful: true,
  expected: TAMPERED,
  isLocated: true,
  live: 'detected',
  apply(view) {
    const { segment } = view.place(0);
    const leaves = view.frames(segment).map(({ leaf }) => leaf);
    rewrite(segment.path, joinFrames(leaves.slice(2)));
    return { leaves: { first: 0, last: 1 }, note: 'removed leaves 0 and 1' };
  },
};
