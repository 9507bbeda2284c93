import { basename, join } from 'node:path';
import { TAMPERED, type Attack } from '../attack.ts';
import { readAll, writeWhole } from '../disk.ts';
import { withOtherMessage } from '../leaf-text.ts';
import { runScript } from '../native.ts';

export const directorySwap: Attack = {
  name: 'directory-swap',
  summary: 'the folder of segments and a copy with an edited event change names in one system call',
  needs: ['python3'],
  isHarmful: true,
  expected: TAMPERED,
  isLocated: true,
  live: 'detected',
  apply(view) {
    const { seq, path, frame } = view.victim();
    const copy = join(view.dataDir, 'segments-edited');
    for (const segment of view.segments()) {
      const content = readAll(segment.path);
      if (segment.path === path) content.set(withOtherMessage(frame.leaf), frame.at + 2);
      writeWhole(join(copy, basename(segment.path)), content);
    }
    const doneNs = runScript('exchange', copy, view.path('segments'));
    return { leaves: { first: seq, last: seq }, note: `exchanged segments/ for a copy with an edited leaf ${seq}`, doneNs };
  },
};
