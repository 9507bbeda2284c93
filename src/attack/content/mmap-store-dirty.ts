import { TAMPERED, type Attack } from '../attack.ts';
import { otherLetter } from '../leaf-text.ts';
import { runScript } from '../native.ts';

export const mmapStoreDirty: Attack = {
  name: 'mmap-store-dirty',
  summary: 'an event is edited through a mapping whose page was made dirty before, so that not even the change time moves',
  needs: ['python3'],
  isHarmful: true,
  expected: TAMPERED,
  isLocated: true,
  live: { exempt: 'a store to an already dirty page changes nothing that the kernel shows; the scrub cycle finds it' },
  apply(view) {
    const { seq, path, frame, messageAt } = view.victim();
    const letter = otherLetter(frame.leaf[messageAt - frame.at - 2]);
    const doneNs = runScript('mmap-store-dirty', path, messageAt, letter.toString('hex'));
    return { leaves: { first: seq, last: seq }, note: `stored one letter to a dirty page at byte ${messageAt} of ${path}`, doneNs };
  },
};
