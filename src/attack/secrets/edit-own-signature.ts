import { generateEd25519 } from '../../kernel/ed25519.ts';
import { TAMPERED, type Attack } from '../attack.ts';
import { rewrite, writeAt } from '../disk.ts';
import { forgeCheckpoint } from '../forge-note.ts';
import { withOtherMessage } from '../leaf-text.ts';

export const editOwnSignature: Attack = {
  name: 'edit-own-signature',
  summary: 'an event is edited and the checkpoint signed anew with a key of the intruder’s own under the ledger’s name',
  needs: [],
  isHarmful: true,
  expected: TAMPERED,
  isLocated: true,
  live: 'detected',
  apply(view) {
    const { seq, path, frame } = view.victim();
    const leaf = withOtherMessage(frame.leaf);
    const name = view.identity().origin;
    const checkpoint = forgeCheckpoint(name, view.leaves().with(seq, leaf), [{ name, key: generateEd25519() }]);
    writeAt(path, frame.at + 2, leaf);
    rewrite(view.path('checkpoint'), Buffer.from(checkpoint));
    return { leaves: { first: seq, last: seq }, note: `edited leaf ${seq} and signed a checkpoint with a new key` };
  },
};
