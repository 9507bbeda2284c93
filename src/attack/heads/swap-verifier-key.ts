import { generateEd25519, rawPublicKey } from '../../kernel/ed25519.ts';
import { nodeHashes } from '../../kernel/node-hashes.ts';
import { formatVerifierKey } from '../../kernel/note.ts';
import { TAMPERED, type Attack } from '../attack.ts';
import { rewrite } from '../disk.ts';

export const swapVerifierKey: Attack = {
  name: 'swap-verifier-key',
  summary: 'the copy of the verifier key beside the ledger is exchanged for the intruder’s',
  needs: [],
  isHarmful: false,
  expected: TAMPERED,
  isLocated: false,
  live: 'detected',
  apply(view) {
    const path = view.path('log.vkey');
    rewrite(path, Buffer.from(`${formatVerifierKey(nodeHashes, view.identity().origin, rawPublicKey(generateEd25519()))}\n`));
    return { leaves: undefined, note: `put another key into ${path}` };
  },
};
