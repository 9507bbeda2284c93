import type { SignedCheckpoint, VerifierKey } from '../kernel/note.ts';

export interface VerifyBundleInput {
  /** The ZIP. Hostile. */
  readonly bytes: Uint8Array;
  readonly pinnedKey?: VerifierKey | undefined;
  /** A checkpoint that the reader got another way. */
  readonly anchor?: SignedCheckpoint | undefined;
  readonly hmacKey?: Uint8Array | undefined;
  readonly isUnanchoredAllowed?: boolean;
}
