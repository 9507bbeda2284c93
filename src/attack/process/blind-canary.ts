import { join } from 'node:path';
import { TAMPERED, type Attack } from '../attack.ts';
import { removeTree, writeAt } from '../disk.ts';
import { otherLetter } from '../leaf-text.ts';

/** The file whose regular changes show the watch that it still sees changes. */
const CANARY = '.watch-canary';

export const blindCanary: Attack = {
  name: 'blind-canary',
  summary: 'the file by which the watch proves that it still sees is removed, and an edit slipped in',
  needs: [],
  isHarmful: true,
  expected: TAMPERED,
  isLocated: true,
  live: 'detected',
  apply(view) {
    const { seq, path, frame, messageAt } = view.victim();
    removeTree(join(view.dataDir, CANARY));
    writeAt(path, messageAt, otherLetter(frame.leaf[messageAt - frame.at - 2]));
    return { leaves: { first: seq, last: seq }, note: `removed ${CANARY} and changed one letter of leaf ${seq}` };
  },
};
