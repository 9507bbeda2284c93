import { TAMPERED, type Attack } from '../attack.ts';
import { writeAt } from '../disk.ts';
import { joinFrames } from '../frames.ts';

export const reorder: Attack = {
  name: 'reorder',
  summary: 'two neighbouring events change places',
  needs: [],
  isHarmful: true,
  expected: TAMPERED,
  isLocated: true,
  live: 'detected',
  apply(view) {
    const { seq } = view.victim((_, seq) => seq < view.acknowledged() - 1 && view.place(seq + 1).segment === view.place(seq).segment);
    const { segment, frame } = view.place(seq);
    writeAt(segment.path, frame.at, joinFrames([view.place(seq + 1).frame.leaf, frame.leaf]));
    return { leaves: { first: seq, last: seq + 1 }, note: `exchanged leaves ${seq} and ${seq + 1}` };
  },
};
