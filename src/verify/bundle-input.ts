import type { SignedCheckpoint, VerifierKey } from '../kernel/note.ts';
import type { EpochKeyCandidate, HmacKeyCandidate } from './chain-keys.ts';

export interface VerifyBundleInput {
  /** The ZIP. Hostile. */
  readonly bytes: Uint8Array;
  readonly pinnedKey?: VerifierKey | undefined;
  /** A checkpoint that the reader got another way. */
  readonly anchor?: SignedCheckpoint | undefined;
  /** Root keys and epoch keys, for the MACs. */
  readonly macKeys?: { readonly hmacKeys: readonly HmacKeyCandidate[]; readonly epochKeys: readonly EpochKeyCandidate[] };
  readonly isUnanchoredAllowed?: boolean;
}
