import { join } from 'node:path';
import { TAMPERED, type Attack } from '../attack.ts';
import { hardLink, writeAt } from '../disk.ts';
import { otherLetter } from '../leaf-text.ts';

export const hardLinkWrite: Attack = {
  name: 'hard-link-write',
  summary: 'an event is edited through a second name of the segment’s inode in another folder',
  needs: [],
  isHarmful: true,
  expected: TAMPERED,
  isLocated: true,
  live: 'detected',
  apply(view) {
    const { seq, path, frame, messageAt } = view.victim();
    const alias = join(view.dataDir, 'alias.seg');
    hardLink(path, alias);
    writeAt(alias, messageAt, otherLetter(frame.leaf[messageAt - frame.at - 2]));
    return { leaves: { first: seq, last: seq }, note: `changed one letter of leaf ${seq} through ${alias}` };
  },
};
