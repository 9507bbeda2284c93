import { cosignedAt } from '../kernel/cosignature.ts';
import { verifyEd25519 } from '../kernel/ed25519.ts';
import { isSignedBy, type SignedCheckpoint, type VerifierKey } from '../kernel/note.ts';
import { tryVerifierKey } from './genesis.ts';
import type { HeadContext } from './head-check.ts';

/** How far the signatures could be followed. `witnessed`: a witness that the caller trusts cosigned the checkpoint of this size. */
export type SignaturesFollowed = 'log key only' | 'epoch chain' | 'witnessed';

export interface Witnessed {
  /** Names of the trusted witnesses that cosigned a checkpoint which this ledger contains. */
  readonly names: readonly string[];
  /** Leaves of the largest such checkpoint. */
  readonly size: number;
}

/**
 * The second signature of a head: the epoch's key stands in the seal before, under the very root that is signed, and its private half
 * is wiped at the epoch's end. Answers whether it could be followed.
 */
export function checkEpochSignature({ inputs, walk, findings }: HeadContext): boolean {
  const { checkpoint } = inputs.head;
  const commit = checkpoint === undefined ? undefined : walk.commits.get(checkpoint.size);
  const key = tryVerifierKey(commit?.epochKey);
  if (checkpoint === undefined || key === undefined) return false;
  if (isSignedBy(checkpoint, key, verifyEd25519)) return true;
  const isThere = checkpoint.signatures.some(({ name }) => name === key.name);
  findings.add({
    verdict: 'TAMPERED',
    place: { file: 'ledger/checkpoint' },
    expected: `a signature of the key that the seals give for epoch ${commit?.epoch ?? 0}`,
    found: isThere ? 'one that does not verify' : 'none',
  });
  return false;
}

/** Cosignatures of trusted witnesses on checkpoints that were found to be this ledger's. */
export function countWitnesses(notes: readonly SignedCheckpoint[], witnesses: readonly VerifierKey[]): Witnessed {
  const names = new Set<string>();
  let size = 0;
  for (const note of notes) {
    for (const witness of witnesses) {
      if (cosignedAt(note, witness, verifyEd25519) === undefined) continue;
      names.add(witness.name);
      size = Math.max(size, note.size);
    }
  }
  return { names: [...names], size };
}
