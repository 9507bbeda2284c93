import { basename, join } from 'node:path';
import { TAMPERED, type Attack } from '../attack.ts';
import { readAll, writeWhole } from '../disk.ts';
import { withOtherMessage } from '../leaf-text.ts';
import { runProgram } from '../native.ts';

export const overmount: Attack = {
  name: 'overmount',
  summary: 'an edited copy is mounted over the folder of segments; the genuine files lie hidden below',
  needs: ['superuser'],
  isHarmful: true,
  expected: TAMPERED,
  isLocated: true,
  live: { exempt: 'the files that the sidecar holds open are untouched; only the names lead elsewhere' },
  apply(view) {
    const { seq, path, frame } = view.victim();
    const files = view.segments().map((segment) => {
      const content = readAll(segment.path);
      if (segment.path === path) content.set(withOtherMessage(frame.leaf), frame.at + 2);
      return { name: basename(segment.path), content };
    });
    const folder = view.path('segments');
    runProgram('mount', ['-t', 'tmpfs', 'tmpfs', folder]);
    for (const { name, content } of files) writeWhole(join(folder, name), content);
    const note = `mounted a copy with an edited leaf ${seq} over ${folder}; umount it afterwards`;
    return { leaves: { first: seq, last: seq }, note, undo: () => void runProgram('umount', ['--lazy', folder]) };
  },
};
