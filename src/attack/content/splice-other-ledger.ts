import { randomBytes } from 'node:crypto';
import { GENESIS_PREVIOUS_MAC, chainMac } from '../../kernel/chain.ts';
import { LEAF_MAC_BYTES } from '../../kernel/leaf.ts';
import { nodeHashes } from '../../kernel/node-hashes.ts';
import { TAMPERED, type Attack } from '../attack.ts';
import { writeAt } from '../disk.ts';
import { withOtherMessage } from '../leaf-text.ts';

export const spliceOtherLedger: Attack = {
  name: 'splice-other-ledger',
  summary: 'a genuine entry of another ledger, with the right number, stands in the place of one of this ledger',
  needs: [],
  isHarmful: true,
  expected: TAMPERED,
  isLocated: true,
  live: 'detected',
  apply(view) {
    const { seq, path, frame } = view.victim();
    const foreign = withOtherMessage(frame.leaf);
    // Another ledger: its own id and its own key, so its MAC is genuine there.
    const mac = chainMac(nodeHashes, randomBytes(32), randomBytes(16), GENESIS_PREVIOUS_MAC, foreign);
    foreign.set(mac, foreign.length - LEAF_MAC_BYTES);
    writeAt(path, frame.at + 2, foreign);
    return { leaves: { first: seq, last: seq }, note: `put leaf ${seq} of another ledger in the place of ours` };
  },
};
