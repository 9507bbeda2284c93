import { TAMPERED, type Attack } from '../attack.ts';
import { BLOCK_BYTES, blockNear } from '../file-blocks.ts';
import { COLLAPSE_RANGE, runScript } from '../native.ts';

export const collapseRange: Attack = {
  name: 'collapse-range',
  summary: 'a block is cut out of the middle of a segment in one system call',
  needs: ['python3'],
  isHarmful: true,
  expected: TAMPERED,
  isLocated: true,
  live: 'detected',
  apply(view) {
    const { segment, at, first, last } = blockNear(view);
    const doneNs = runScript('fallocate', segment.path, COLLAPSE_RANGE, at, BLOCK_BYTES);
    return { leaves: { first, last }, note: `collapsed ${BLOCK_BYTES} bytes at ${at} of ${segment.path}`, doneNs };
  },
};
