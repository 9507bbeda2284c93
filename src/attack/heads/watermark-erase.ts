import type { Attack } from '../attack.ts';
import { bytesOf, writeAt } from '../disk.ts';

export const watermarkErase: Attack = {
  name: 'watermark-erase',
  summary: 'the record of what was acknowledged is overwritten with zeros',
  needs: [],
  isHarmful: false,
  expected: { root: 'ROLLED_BACK', anchor: 'ROLLED_BACK', public: 'ROLLED_BACK' },
  isLocated: false,
  live: 'detected',
  apply(view) {
    const path = view.path('watermark');
    writeAt(path, 0, Buffer.alloc(bytesOf(path)));
    return { leaves: undefined, note: `zeroed ${path}` };
  },
};
