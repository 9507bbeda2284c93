import { TAMPERED, type Attack } from '../attack.ts';
import { BLOCK_BYTES, blockNear } from '../file-blocks.ts';
import { PUNCH_HOLE, runScript } from '../native.ts';

export const holePunch: Attack = {
  name: 'hole-punch',
  summary: 'a block of a segment is given back to the file system; the length stays',
  needs: ['python3'],
  isHarmful: true,
  expected: TAMPERED,
  isLocated: true,
  live: 'detected',
  apply(view) {
    const { segment, at, first, last } = blockNear(view);
    const doneNs = runScript('fallocate', segment.path, PUNCH_HOLE, at, BLOCK_BYTES);
    return { leaves: { first, last }, note: `punched a hole of ${BLOCK_BYTES} bytes at ${at} into ${segment.path}`, doneNs };
  },
};
