import { writeU64 } from '../../kernel/bytes.ts';
import { TAMPERED, type Attack } from '../attack.ts';
import { rewrite } from '../disk.ts';
import { joinFrames } from '../frames.ts';

export const deleteRenumber: Attack = {
  name: 'delete-renumber',
  summary: 'an event is taken out, those after it in the file are numbered anew, and the last stands twice to keep the count',
  needs: [],
  isHarmful: true,
  expected: TAMPERED,
  isLocated: true,
  live: 'detected',
  apply(view) {
    const { seq } = view.victim((_, seq) => seq < view.acknowledged() - 1);
    const { segment } = view.place(seq);
    const frames = view.frames(segment);
    // The last entry stands there twice, so that the number of entries stays.
    const kept = [...frames.filter((_, index) => index !== seq - segment.first), frames[frames.length - 1]];
    const leaves = kept.map(({ leaf }, index) => {
      const copy = Buffer.from(leaf);
      writeU64(copy, 4, segment.first + index);
      return copy;
    });
    rewrite(segment.path, joinFrames(leaves));
    return { leaves: { first: seq, last: segment.first + leaves.length - 1 }, note: `removed leaf ${seq} and renumbered those after it` };
  },
};
