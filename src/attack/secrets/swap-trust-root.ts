import { canonicalJson, type Json } from '../../kernel/canonical-json.ts';
import { generateEd25519, privateKeyPem, rawPublicKey } from '../../kernel/ed25519.ts';
import { nodeHashes } from '../../kernel/node-hashes.ts';
import { formatVerifierKey } from '../../kernel/note.ts';
import { AttackError } from '../attack-error.ts';
import type { Attack } from '../attack.ts';
import { rewrite } from '../disk.ts';
import { forgeCheckpoint } from '../forge-note.ts';
import { Thief } from '../thief.ts';

export const swapTrustRoot: Attack = {
  name: 'swap-trust-root',
  summary: 'genesis, log key and verifier key are exchanged for the intruder’s own, and everything is signed with them',
  needs: ['epoch-key', 'log-key', 'seals'],
  isHarmful: true,
  expected: { root: 'TAMPERED', anchor: 'KEY_MISMATCH', public: 'KEY_MISMATCH' },
  isLocated: true,
  live: 'detected',
  apply(view) {
    const thief = new Thief(view);
    const own = generateEd25519();
    const { origin, isSealing } = thief.identity;
    // Without seals the stolen key is the root key: then nothing but a pinned verifier key could tell.
    if (!isSealing) throw new AttackError('not-possible', 'the ledger does not seal its keys');
    const verifierKey = formatVerifierKey(nodeHashes, origin, rawPublicKey(own));
    const drafts = thief.drafts();
    const payload = JSON.parse(Buffer.from(drafts[0].payload).toString('utf8')) as Record<string, Json>;
    drafts[0].payload = Buffer.from(canonicalJson({ ...payload, publicKey: verifierKey }));
    const leaves = thief.assemble(drafts);
    thief.writeSegments(leaves);
    thief.writeHeads(leaves, forgeCheckpoint(origin, leaves, [{ name: origin, key: own }]));
    rewrite(view.path('log.vkey'), Buffer.from(`${verifierKey}\n`));
    rewrite(`${view.keysDir}/log.key`, Buffer.from(privateKeyPem(own)));
    return { leaves: { first: 0, last: 0 }, note: 'made the ledger state, and be signed by, a key of the intruder' };
  },
};
