import { concat, readU64, utf8, writeU64 } from './bytes.ts';
import type { Hashes } from './hashes.ts';
import {
  formatSignatureLine,
  formatVerifierKey,
  noteKeyId,
  parseVerifierKey,
  type SignedCheckpoint,
  type VerifierKey,
  type VerifyEd25519,
} from './note.ts';

/**
 * c2sp.org/tlog-cosignature, cosignature/v1 of Ed25519: a witness says "at this time, the largest tree I have seen of this log, and
 * all I saw before was a prefix of it". Key ids are those of type 0x04, so a cosigner's key never passes for a log's.
 */
const COSIGNATURE_TYPE = 0x04;
const TIME_BYTES = 8;
const SIGNATURE_BYTES = 64;

export function cosignerKeyId(hashes: Hashes, name: string, publicKey: Uint8Array): number {
  return noteKeyId(hashes, name, publicKey, COSIGNATURE_TYPE);
}

/** `name+<8 hex key id>+<base64(0x04 ‖ public key)>` */
export function formatCosignerKey(hashes: Hashes, name: string, publicKey: Uint8Array): string {
  return formatVerifierKey(hashes, name, publicKey, COSIGNATURE_TYPE);
}

/** Text → key, or throws NoteFormatError; a log's key (type 0x01) is none. */
export function parseCosignerKey(hashes: Hashes, text: string): VerifierKey {
  return parseVerifierKey(hashes, text, COSIGNATURE_TYPE);
}

/** What a cosigner signs: a header, the time in seconds since 1970, the checkpoint's text with its last newline. */
export function cosignedMessage(checkpointText: string, timeS: number): Uint8Array {
  return utf8(`cosignature/v1\ntime ${timeS}\n${checkpointText}`);
}

/** Signature line with its newline; `signature` covers cosignedMessage of the same time. */
export function formatCosignature(key: { name: string; keyId: number }, timeS: number, signature: Uint8Array): string {
  const field = new Uint8Array(TIME_BYTES);
  writeU64(field, 0, timeS);
  return formatSignatureLine(key, concat(field, signature));
}

/**
 * When the given key cosigned the checkpoint, in seconds since 1970; undefined when it did not: no line of its name and id, more than
 * one, or one that does not verify.
 */
export function cosignedAt(checkpoint: SignedCheckpoint, key: VerifierKey, verify: VerifyEd25519): number | undefined {
  const own = checkpoint.signatures.filter((signature) => signature.name === key.name && signature.keyId === key.keyId);
  if (own.length !== 1 || own[0].signature.length !== TIME_BYTES + SIGNATURE_BYTES) return undefined;
  const timeS = readU64(own[0].signature, 0);
  if (timeS === undefined) return undefined;
  const isSigned = verify(key.publicKey, cosignedMessage(checkpoint.text, timeS), own[0].signature.subarray(TIME_BYTES));
  return isSigned ? timeS : undefined;
}
