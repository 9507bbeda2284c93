import { join } from 'node:path';
import { INTACT, type Attack } from '../attack.ts';
import { rename, writeWhole } from '../disk.ts';

export const logRotation: Attack = {
  name: 'benign-log-rotation',
  summary: 'control: the sidecar’s own log, kept in the data folder, is rotated',
  needs: [],
  isHarmful: false,
  expected: INTACT,
  isLocated: false,
  live: 'quiet',
  apply(view) {
    const log = join(view.dataDir, 'sidecar.log');
    writeWhole(log, '{"level":"info","msg":"listening"}\n');
    rename(log, `${log}.1`);
    writeWhole(log, '');
    return { leaves: undefined, note: `rotated ${log}` };
  },
};
