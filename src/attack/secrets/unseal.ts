import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { toHex } from '../../kernel/bytes.ts';
import { canonicalJson, type Json } from '../../kernel/canonical-json.ts';
import { keyCommitment } from '../../kernel/chain.ts';
import { LEAF_TYPES } from '../../kernel/leaf.ts';
import { nodeHashes } from '../../kernel/node-hashes.ts';
import { assemble } from '../assemble.ts';
import { AttackError } from '../attack-error.ts';
import type { Attack } from '../attack.ts';
import { remove, rewrite, writeWhole } from '../disk.ts';
import { forgeWatermark } from '../forge-watermark.ts';
import { Thief } from '../thief.ts';

const FIRST_GENERATION = 1000;

export const unseal: Attack = {
  name: 'unseal',
  summary: 'the ledger is made to look like one that never sealed its keys: seals dropped, one key for all, signed with the stolen log key',
  needs: ['epoch-key', 'log-key', 'seals'],
  isHarmful: true,
  expected: { root: 'KEY_MISMATCH', anchor: 'ROLLED_BACK', public: 'UNSEALED' },
  isLocated: false,
  live: 'detected',
  apply(view) {
    const thief = new Thief(view);
    const { ledgerId, isSealing } = thief.identity;
    if (!isSealing) throw new AttackError('not-possible', 'the ledger does not seal its keys');
    const key = randomBytes(32);
    const drafts = thief.drafts().filter(({ type }) => type !== LEAF_TYPES.epochSeal);
    for (const draft of drafts) draft.epoch = 0;
    const payload = JSON.parse(Buffer.from(drafts[0].payload).toString('utf8')) as Record<string, Json | undefined>;
    const commitment = toHex(keyCommitment(nodeHashes, key, ledgerId));
    drafts[0].payload = Buffer.from(canonicalJson({ ...payload, epochKey: undefined, epochPolicy: 'none', keyCommitment: commitment }));
    const leaves = assemble(drafts, ledgerId, () => key);
    const checkpoint = thief.checkpoint(leaves);
    const lastLeaf = leaves[leaves.length - 1];
    thief.writeSegments(leaves);
    rewrite(view.path('checkpoint'), Buffer.from(checkpoint));
    rewrite(view.path('watermark'), forgeWatermark({ epoch: 0, key, size: leaves.length, lastLeaf, checkpoint }, FIRST_GENERATION));
    remove(join(view.keysDir, 'epoch.key'));
    writeWhole(join(view.keysDir, 'hmac.key'), `${toHex(key)}\n`);
    return { leaves: { first: 0, last: view.size() - 1 }, note: 'dropped every seal and said that there never was one' };
  },
};
