import type { Attack } from '../attack.ts';
import { bytesOf, writeAt } from '../disk.ts';
import { SLOT_OFFSETS } from '../forge-watermark.ts';
import { isReplaced } from '../is-replaced.ts';

/** A slot begins with its name and never like this. */
const NOTHING = Buffer.alloc(64);

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
    // At an epoch's end the writer writes both slots, one right after the other.
    const isUndone = (): boolean => SLOT_OFFSETS.every((at) => isReplaced(path, at, NOTHING));
    return { leaves: undefined, note: `zeroed ${path}`, isUndone };
  },
};
