import { segmentName } from '../../kernel/leaf.ts';
import { TAMPERED, type Attack } from '../attack.ts';
import { cutTo, writeWhole } from '../disk.ts';

/** Sparse: it takes no room. Reading all of it would take a verifier most of an hour. */
const BYTES = 2 ** 40;

export const hostileLength: Attack = {
  name: 'hostile-length',
  summary: 'a sparse file of a tebibyte stands among the segments, to keep the verifier busy for ever',
  needs: [],
  isHarmful: false,
  expected: TAMPERED,
  isLocated: false,
  live: { exempt: 'aimed at whoever reads the folder; not at what stands in it' },
  apply(view) {
    const path = view.path(`segments/${segmentName(view.size())}`);
    writeWhole(path, '');
    cutTo(path, BYTES);
    return { leaves: undefined, note: `made ${path} as long as a tebibyte` };
  },
};
