import { TAMPERED, type Attack } from '../attack.ts';
import { rewrite } from '../disk.ts';
import { joinFrames } from '../frames.ts';

export const deleteMiddle: Attack = {
  name: 'delete-middle',
  summary: 'an event is taken out of the middle',
  needs: [],
  isHarmful: true,
  expected: TAMPERED,
  isLocated: true,
  live: 'detected',
  apply(view) {
    const { seq } = view.victim((_, seq) => seq < view.acknowledged() - 1);
    const { segment } = view.place(seq);
    const frames = view.frames(segment);
    rewrite(segment.path, joinFrames(frames.filter((_, index) => index !== seq - segment.first).map(({ leaf }) => leaf)));
    return { leaves: { first: seq, last: seq }, note: `removed leaf ${seq}` };
  },
};
