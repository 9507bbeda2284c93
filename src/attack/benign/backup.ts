import { basename, dirname } from 'node:path';
import { INTACT, type Attack } from '../attack.ts';
import { removeTree } from '../disk.ts';
import { runProgram } from '../native.ts';

export const backup: Attack = {
  name: 'benign-backup',
  summary: 'control: a backup reads everything with cat, tar and cp -a',
  needs: [],
  isHarmful: false,
  expected: INTACT,
  isLocated: false,
  live: 'quiet',
  apply(view) {
    const ledger = view.path('');
    const elsewhere = `${view.dataDir}.backup`;
    for (const { path } of view.segments()) runProgram('dd', [`if=${path}`, 'of=/dev/null', 'status=none']);
    runProgram('tar', ['-C', dirname(view.dataDir), '-cf', `${elsewhere}.tar`, '--ignore-failed-read', basename(view.dataDir)]);
    runProgram('cp', ['-a', ledger, elsewhere]);
    removeTree(elsewhere);
    removeTree(`${elsewhere}.tar`);
    return { leaves: undefined, note: `read everything below ${view.dataDir} three times` };
  },
};
