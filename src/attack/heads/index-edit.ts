import { AttackError } from '../attack-error.ts';
import { INTACT, type Attack } from '../attack.ts';
import { readAll, writeAt } from '../disk.ts';

/** Inside the first block's root. */
const BLOCK_ROOT_AT = 96 + 12;

export const indexEdit: Attack = {
  name: 'index-edit',
  summary: 'the index beside a full segment is edited; it is a cache that nobody believes',
  needs: ['index'],
  isHarmful: false,
  expected: INTACT,
  isLocated: false,
  live: 'detected',
  apply(view) {
    const segment = view.segments().find((candidate) => view.hasIndex(candidate));
    if (segment === undefined) throw new AttackError('not-possible', 'the ledger has no segment index yet');
    const path = view.indexPath(segment);
    writeAt(path, BLOCK_ROOT_AT, Buffer.of(readAll(path)[BLOCK_ROOT_AT] ^ 1));
    return { leaves: undefined, note: `flipped bit 0 of byte ${BLOCK_ROOT_AT} of ${path}` };
  },
};
