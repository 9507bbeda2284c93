import { join } from 'node:path';
import { INTACT, type Attack } from '../attack.ts';
import { writeWhole } from '../disk.ts';

/** What a file name may hold: everything but a slash and a zero. */
const NAMES = [
  '..%2f..%2fetc%2fpasswd',
  '\u{1b}[2J\u{1b}[31mOK_ANCHORED\n',
  '00000000000000000000.seg ',
  '00000000000000000000.SEG',
  '-rf',
  `${'9'.repeat(200)}.seg`,
];

export const hostileNames: Attack = {
  name: 'hostile-names',
  summary: 'files whose names try to lead elsewhere, drive the terminal or look like options lie among the segments',
  needs: [],
  isHarmful: false,
  expected: INTACT,
  isLocated: false,
  live: { exempt: 'aimed at whoever reads the folder; not at what stands in it' },
  apply(view) {
    for (const name of NAMES) writeWhole(join(view.path('segments'), name), 'x');
    return { leaves: undefined, note: `put ${NAMES.length} files with hostile names into segments/` };
  },
};
