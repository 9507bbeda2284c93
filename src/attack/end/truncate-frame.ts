import { TRUNCATED, type Attack } from '../attack.ts';
import { cutBehind } from '../cut-behind.ts';

export const truncateFrame: Attack = {
  name: 'truncate-frame',
  summary: 'everything from one entry on is cut off, exactly between two entries',
  needs: [],
  isHarmful: true,
  expected: { ...TRUNCATED, anchor: 'TRUNCATED' },
  isLocated: true,
  live: 'detected',
  apply(view) {
    const [size, last] = [view.victim().seq, view.size() - 1];
    cutBehind(view, size);
    return { leaves: { first: size, last }, note: `cut off leaves ${size} to ${last}` };
  },
};
