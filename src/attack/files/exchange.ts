import { join } from 'node:path';
import { TAMPERED, type Attack } from '../attack.ts';
import { readAll, writeWhole } from '../disk.ts';
import { withOtherMessage } from '../leaf-text.ts';
import { runScript } from '../native.ts';

export const exchange: Attack = {
  name: 'exchange',
  summary: 'a segment and an edited copy change names in one system call',
  needs: ['python3'],
  isHarmful: true,
  expected: TAMPERED,
  isLocated: true,
  live: 'detected',
  apply(view) {
    const { seq, path, frame } = view.victim();
    const content = readAll(path);
    content.set(withOtherMessage(frame.leaf), frame.at + 2);
    const copy = join(view.dataDir, 'edited.seg');
    writeWhole(copy, content);
    const doneNs = runScript('exchange', copy, path);
    return { leaves: { first: seq, last: seq }, note: `exchanged ${path} for a copy with an edited leaf ${seq}`, doneNs };
  },
};
