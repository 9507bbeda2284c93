import { TAMPERED, type Attack } from '../attack.ts';
import { writeAt } from '../disk.ts';

export const zeroFill: Attack = {
  name: 'zero-fill',
  summary: 'an entry is overwritten with zeros, as if the disk had lost it',
  needs: [],
  isHarmful: true,
  expected: TAMPERED,
  isLocated: true,
  live: 'detected',
  apply(view) {
    const { seq, path, frame } = view.victim((_, seq) => seq < view.acknowledged() - 1);
    writeAt(path, frame.at, Buffer.alloc(frame.end - frame.at));
    return { leaves: { first: seq, last: seq }, note: `zeroed the bytes ${frame.at} to ${frame.end - 1} of ${path}` };
  },
};
