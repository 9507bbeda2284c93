import { ArchiveView } from '../archive-view.ts';
import { TAMPERED, type Attack } from '../attack.ts';
import { readAll, writeAt } from '../disk.ts';

export const tileEdit: Attack = {
  name: 'tile-edit',
  summary: 'a hash in a tile of the archive is changed; the entries stay',
  needs: ['archive'],
  on: 'archive',
  isHarmful: false,
  expected: TAMPERED,
  isLocated: false,
  live: { exempt: 'an archive lies elsewhere: whoever reads it verifies it' },
  apply(view) {
    const archive = new ArchiveView(view);
    const path = archive.tile(0, archive.tileOf(view.aim()));
    writeAt(path, 0, Buffer.of(readAll(path)[0] ^ 1));
    return { leaves: undefined, note: `flipped bit 0 of ${path}` };
  },
};
