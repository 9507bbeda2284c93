import { TAMPERED, type Attack } from '../attack.ts';
import { writeAt } from '../disk.ts';

export const bitFlip: Attack = {
  name: 'bit-flip',
  summary: 'one bit of an event is flipped in its segment',
  needs: [],
  isHarmful: true,
  expected: TAMPERED,
  isLocated: true,
  live: 'detected',
  apply(view) {
    const { seq, path, frame, messageAt } = view.victim();
    writeAt(path, messageAt, Buffer.of(frame.leaf[messageAt - frame.at - 2] ^ 0x01));
    return { leaves: { first: seq, last: seq }, note: `flipped bit 0 of byte ${messageAt} of ${path}` };
  },
};
