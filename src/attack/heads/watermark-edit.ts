import { readU64 } from '../../kernel/bytes.ts';
import { TAMPERED, type Attack } from '../attack.ts';
import { readAll, writeAt } from '../disk.ts';

const SLOT_OFFSETS = [0, 4096];
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
    writeAt(path, at, Buffer.of(file[at] ^ 1));
    return { leaves: undefined, note: `flipped bit 0 of byte ${at} of ${path}` };
  },
};
