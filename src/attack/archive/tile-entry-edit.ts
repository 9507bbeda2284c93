import { ArchiveView } from '../archive-view.ts';
import { TAMPERED, type Attack } from '../attack.ts';

export const tileEntryEdit: Attack = {
  name: 'tile-entry-edit',
  summary: 'an event in the archive is edited and the hashes of all tiles above it are made to fit',
  needs: ['archive'],
  on: 'archive',
  isHarmful: true,
  expected: TAMPERED,
  isLocated: true,
  live: { exempt: 'an archive lies elsewhere: whoever reads it verifies it' },
  apply(view) {
    const archive = new ArchiveView(view);
    const seq = archive.editEntry(archive.tileOf(view.aim()));
    return { leaves: { first: seq, last: seq }, note: `edited leaf ${seq} of the archive and rehashed the tiles above it` };
  },
};
