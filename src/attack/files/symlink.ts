import { join } from 'node:path';
import { TAMPERED, type Attack } from '../attack.ts';
import { rename, symbolicLink } from '../disk.ts';

export const symlink: Attack = {
  name: 'symlink',
  summary: 'a segment is moved elsewhere and a symbolic link put in its place: its content can be exchanged at any time',
  needs: [],
  isHarmful: false,
  expected: TAMPERED,
  isLocated: true,
  live: 'detected',
  apply(view) {
    const { seq, path } = view.victim();
    const { segment } = view.place(seq);
    const moved = join(view.dataDir, 'moved.seg');
    rename(path, moved);
    symbolicLink(moved, path);
    const last = segment.first + view.frames(segment).length - 1;
    return { leaves: { first: segment.first, last }, note: `moved ${path} to ${moved} and left a link` };
  },
};
