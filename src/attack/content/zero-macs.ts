import { LEAF_MAC_BYTES } from '../../kernel/leaf.ts';
import type { Attack } from '../attack.ts';
import { writeAt } from '../disk.ts';
import { withOtherMessage } from '../leaf-text.ts';

export const zeroMacs: Attack = {
  name: 'zero-macs',
  summary: 'an edited event carries zeros for its MAC, as if the ledger had no key',
  needs: [],
  isHarmful: true,
  expected: { root: 'DOWNGRADE', anchor: 'DOWNGRADE', public: 'DOWNGRADE' },
  isLocated: true,
  live: 'detected',
  apply(view) {
    const { seq, path, frame } = view.victim();
    const leaf = withOtherMessage(frame.leaf).fill(0, frame.leaf.length - LEAF_MAC_BYTES);
    writeAt(path, frame.at + 2, leaf);
    return { leaves: { first: seq, last: seq }, note: `edited leaf ${seq} and zeroed its MAC` };
  },
};
