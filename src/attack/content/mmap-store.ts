import { TAMPERED, type Attack } from '../attack.ts';
import { otherLetter } from '../leaf-text.ts';
import { runScript } from '../native.ts';

export const mmapStore: Attack = {
  name: 'mmap-store',
  summary: 'an event is edited through a memory mapping: no write call, no inotify event',
  needs: ['python3'],
  isHarmful: true,
  expected: TAMPERED,
  isLocated: true,
  live: 'detected',
  apply(view) {
    const { seq, path, frame, messageAt } = view.victim();
    const letter = otherLetter(frame.leaf[messageAt - frame.at - 2]);
    const doneNs = runScript('mmap-store', path, messageAt, letter.toString('hex'));
    return { leaves: { first: seq, last: seq }, note: `stored one letter through a mapping at byte ${messageAt} of ${path}`, doneNs };
  },
};
