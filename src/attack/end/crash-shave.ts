import { TRUNCATED, type Attack } from '../attack.ts';
import { cutBehind } from '../cut-behind.ts';
import { readAll } from '../disk.ts';
import { lastRequest } from '../last-request.ts';
import { Thief } from '../thief.ts';

export const crashShave: Attack = {
  name: 'crash-shave',
  summary: 'between two crashes the last request is shaved off and a stolen epoch key makes a watermark that agrees',
  needs: ['epoch-key', 'log-key'],
  isHarmful: true,
  expected: TRUNCATED,
  isLocated: true,
  live: 'detected',
  apply(view) {
    const leaves = view.leaves().slice(0, view.acknowledged());
    const [size, last] = [lastRequest(leaves), leaves.length - 1];
    cutBehind(view, size);
    new Thief(view).writeWatermark(leaves.slice(0, size), readAll(view.path('checkpoint')).toString('utf8'));
    return { leaves: { first: size, last }, note: `shaved off leaves ${size} to ${last} and made the watermark say so` };
  },
};
