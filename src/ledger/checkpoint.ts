import type { KeyObject } from 'node:crypto';
import { utf8 } from '../kernel/bytes.ts';
import { signEd25519, verifyEd25519 } from '../kernel/ed25519.ts';
import { nodeHashes } from '../kernel/node-hashes.ts';
import {
  formatCheckpointText,
  formatNote,
  isSignedBy,
  NoteFormatError,
  parseCheckpoint,
  parseVerifierKey,
  type Checkpoint,
} from '../kernel/note.ts';
import type { LedgerIdentity } from './ports.ts';

/** Signed checkpoint note of the tree's first `size` leaves. Ed25519 is deterministic: the same tree gives the same bytes. */
export function checkpointNote(identity: LedgerIdentity, signingKey: KeyObject, size: number, root: Uint8Array): string {
  const text = formatCheckpointText({ origin: identity.origin, size, root });
  return formatNote(text, parseVerifierKey(nodeHashes, identity.verifierKey), signEd25519(signingKey, utf8(text)));
}

/** The checkpoint a note states, if this ledger's key signed it; undefined otherwise. */
export function ownCheckpoint(note: string, identity: LedgerIdentity): Checkpoint | undefined {
  try {
    const checkpoint = parseCheckpoint(note);
    const key = parseVerifierKey(nodeHashes, identity.verifierKey);
    return checkpoint.origin === identity.origin && isSignedBy(checkpoint, key, verifyEd25519) ? checkpoint : undefined;
  } catch (error) {
    if (error instanceof NoteFormatError) return undefined;
    throw error;
  }
}
