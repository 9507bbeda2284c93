import type { KeyObject } from 'node:crypto';
import { utf8 } from '../kernel/bytes.ts';
import { signEd25519, verifyEd25519 } from '../kernel/ed25519.ts';
import { nodeHashes } from '../kernel/node-hashes.ts';
import {
  formatCheckpointText,
  formatNote,
  formatSignatureLine,
  isSignedBy,
  NoteFormatError,
  parseCheckpoint,
  parseVerifierKey,
  type SignedCheckpoint,
} from '../kernel/note.ts';
import type { EpochSigner } from './epoch-keys.ts';
import type { LedgerIdentity } from './ports.ts';

/**
 * Signed checkpoint note of the tree's first `size` leaves: by the log key, and in a ledger that seals by the key of the epoch that runs
 * after them. Ed25519 is deterministic: the same tree gives the same bytes.
 */
export function checkpointNote(
  identity: LedgerIdentity,
  signingKey: KeyObject,
  epochSigner: EpochSigner | undefined,
  size: number,
  root: Uint8Array,
): string {
  const text = formatCheckpointText({ origin: identity.origin, size, root });
  const message = utf8(text);
  const note = formatNote(text, parseVerifierKey(nodeHashes, identity.verifierKey), signEd25519(signingKey, message));
  return epochSigner === undefined ? note : note + formatSignatureLine(epochSigner, signEd25519(epochSigner.privateKey, message));
}

/** The checkpoint a note states, if this ledger's key signed it; undefined otherwise. */
export function ownCheckpoint(note: string, identity: LedgerIdentity): SignedCheckpoint | undefined {
  try {
    const checkpoint = parseCheckpoint(note);
    const key = parseVerifierKey(nodeHashes, identity.verifierKey);
    return checkpoint.origin === identity.origin && isSignedBy(checkpoint, key, verifyEd25519) ? checkpoint : undefined;
  } catch (error) {
    if (error instanceof NoteFormatError) return undefined;
    throw error;
  }
}
