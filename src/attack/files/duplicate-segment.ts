import { segmentName } from '../../kernel/leaf.ts';
import type { Attack } from '../attack.ts';
import { readAll, writeWhole } from '../disk.ts';

export const duplicateSegment: Attack = {
  name: 'duplicate-segment',
  summary: 'a copy of a segment stands at the end under the next name, so that everything in it seems to have happened twice',
  needs: [],
  isHarmful: false,
  expected: { root: 'TAMPERED', anchor: 'TAMPERED', public: 'TAMPERED' },
  isLocated: false,
  live: 'detected',
  apply(view) {
    const { segment } = view.place(view.aim());
    const path = view.path(`segments/${segmentName(view.size())}`);
    writeWhole(path, readAll(segment.path));
    return { leaves: undefined, note: `copied ${segment.path} to ${path}` };
  },
};
