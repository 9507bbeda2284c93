import { TAMPERED, type Attack } from '../attack.ts';
import { readAll, renameOver } from '../disk.ts';
import { withOtherMessage } from '../leaf-text.ts';

export const renameOverSegment: Attack = {
  name: 'rename-over',
  summary: 'an edited copy of a segment is renamed into its place: a new inode under the old name',
  needs: [],
  isHarmful: true,
  expected: TAMPERED,
  isLocated: true,
  live: 'detected',
  apply(view) {
    const { seq, path, frame } = view.victim();
    const content = readAll(path);
    content.set(withOtherMessage(frame.leaf), frame.at + 2);
    renameOver(path, content);
    return { leaves: { first: seq, last: seq }, note: `renamed a copy with an edited leaf ${seq} over ${path}` };
  },
};
