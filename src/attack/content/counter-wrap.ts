import { TAMPERED, type Attack } from '../attack.ts';
import { writeAt } from '../disk.ts';

const SEQ_AT = 4;

export const counterWrap: Attack = {
  name: 'counter-wrap',
  summary: 'an entry’s counter is set to 2^64 − 1, hoping that the next one wraps to 0',
  needs: [],
  isHarmful: true,
  expected: TAMPERED,
  isLocated: true,
  live: 'detected',
  apply(view) {
    const { seq, path, frame } = view.victim();
    writeAt(path, frame.at + 2 + SEQ_AT, Buffer.alloc(8, 0xff));
    return { leaves: { first: seq, last: seq }, note: `set the counter of leaf ${seq} to 2^64 - 1` };
  },
};
