import { TRUNCATED, type Attack } from '../attack.ts';
import { cutBehind } from '../cut-behind.ts';
import { cutTo } from '../disk.ts';

export const fakeTornTail: Attack = {
  name: 'fake-torn-tail',
  summary: 'the last acknowledged entry is cut in half, hoping that recovery takes it for the torn write of a crash',
  needs: [],
  isHarmful: true,
  expected: TRUNCATED,
  isLocated: true,
  live: 'detected',
  apply(view) {
    const seq = view.acknowledged() - 1;
    const { segment, frame } = view.place(seq);
    cutBehind(view, seq + 1);
    cutTo(segment.path, frame.at + Math.floor((frame.end - frame.at) / 2));
    return { leaves: { first: seq, last: seq }, note: `cut the last leaf (${seq}) in half` };
  },
};
