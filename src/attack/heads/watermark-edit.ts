import { readU64 } from '../../kernel/bytes.ts';
import { TAMPERED, type Attack } from '../attack.ts';
import { readAll, writeAt } from '../disk.ts';
import { isReplaced } from '../is-replaced.ts';
import { SLOT_OFFSETS } from '../forge-watermark.ts';

const GENERATION_AT = 8;
const LOWEST_BYTE_OF_SIZE_AT = 27;

export const watermarkEdit: Attack = {
  name: 'watermark-edit',
  summary: 'the newest record of what was acknowledged is made to state another size',
  needs: [],
  isHarmful: false,
  expected: TAMPERED,
  isLocated: false,
  live: 'detected',
  apply(view) {
    const path = view.path('watermark');
    const file = readAll(path);
    const [newest] = SLOT_OFFSETS.toSorted((a, b) => (readU64(file, b + GENERATION_AT) ?? 0) - (readU64(file, a + GENERATION_AT) ?? 0));
    const at = newest + LOWEST_BYTE_OF_SIZE_AT;
    file[at] ^= 1;
    writeAt(path, at, file.subarray(at, at + 1));
    // With its generation: the same byte of a later slot may happen to be the same.
    const slot = file.subarray(newest, at + 1);
    return { leaves: undefined, note: `flipped bit 0 of byte ${at} of ${path}`, isUndone: () => isReplaced(path, newest, slot) };
  },
};
