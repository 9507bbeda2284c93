import { TRUNCATED, type Attack } from '../attack.ts';
import { cutBehind } from '../cut-behind.ts';
import { cutTo } from '../disk.ts';

export const truncateInsideFrame: Attack = {
  name: 'truncate-inside-frame',
  summary: 'everything from the middle of one entry on is cut off, as if a crash had torn it',
  needs: [],
  isHarmful: true,
  expected: TRUNCATED,
  isLocated: true,
  live: 'detected',
  apply(view) {
    const { seq, path, frame } = view.victim();
    const last = view.size() - 1;
    cutBehind(view, seq + 1);
    cutTo(path, frame.at + Math.ceil((frame.end - frame.at) / 2));
    return { leaves: { first: seq, last }, note: `cut leaf ${seq} in half and all after it off` };
  },
};
