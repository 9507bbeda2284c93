import { TAMPERED, type Attack } from '../attack.ts';
import { keepTimes, writeAt } from '../disk.ts';
import { otherLetter } from '../leaf-text.ts';

export const editKeepTimes: Attack = {
  name: 'edit-keep-times',
  summary: 'an event is edited and the file gets its modification time back',
  needs: [],
  isHarmful: true,
  expected: TAMPERED,
  isLocated: true,
  live: 'detected',
  apply(view) {
    const { seq, path, frame, messageAt } = view.victim();
    keepTimes(path, () => writeAt(path, messageAt, otherLetter(frame.leaf[messageAt - frame.at - 2])));
    return { leaves: { first: seq, last: seq }, note: `changed one letter at byte ${messageAt} of ${path} and set its mtime back` };
  },
};
