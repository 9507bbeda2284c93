import { concat, fromBase64, readU32, toBase64, toHex, utf8, writeU32 } from './bytes.ts';
import { HASH_BYTES, type Hashes } from './hashes.ts';

/**
 * Signed notes and checkpoints: c2sp.org/signed-note, c2sp.org/tlog-checkpoint. Parsing is strict: one spelling per value.
 */
const ED25519_TYPE = 0x01;
const PUBLIC_KEY_BYTES = 32;
/** A note with more signatures is refused unread: nobody honest needs them and each costs a comparison. */
const SIGNATURES_MAX = 16;
const NOTE_BYTES_MAX = 16_384;

export interface VerifierKey {
  readonly name: string;
  readonly keyId: number;
  /** Raw Ed25519 public key, 32 bytes. */
  readonly publicKey: Uint8Array;
}

export interface NoteSignature {
  readonly name: string;
  readonly keyId: number;
  readonly signature: Uint8Array;
}

export interface Checkpoint {
  readonly origin: string;
  readonly size: number;
  readonly root: Uint8Array;
}

export interface SignedCheckpoint extends Checkpoint {
  /** The signed text, up to and including its last newline. */
  readonly text: string;
  readonly signatures: readonly NoteSignature[];
}

export class NoteFormatError extends Error {}

/** First four bytes of SHA-256(name ‖ 0x0A ‖ type ‖ public key), big-endian; type 0x01 unless another kind of signature is meant. */
export function noteKeyId(hashes: Hashes, name: string, publicKey: Uint8Array, type = ED25519_TYPE): number {
  return readU32(hashes.sha256(utf8(`${name}\n`), Uint8Array.of(type), publicKey), 0);
}

/** Key names may hold neither white space nor "+". */
export function isKeyName(name: string): boolean {
  return name.length > 0 && name.length <= 255 && !/[\s+\p{Cc}]/u.test(name) && name.isWellFormed();
}

/** `name+<8 hex key id>+<base64(type ‖ public key)>` */
export function formatVerifierKey(hashes: Hashes, name: string, publicKey: Uint8Array, type = ED25519_TYPE): string {
  const id = new Uint8Array(4);
  writeU32(id, 0, noteKeyId(hashes, name, publicKey, type));
  return `${name}+${toHex(id)}+${toBase64(concat(Uint8Array.of(type), publicKey))}`;
}

/** Text → key of exactly the given type, or throws NoteFormatError. */
export function parseVerifierKey(hashes: Hashes, text: string, type = ED25519_TYPE): VerifierKey {
  const match = /^([^+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)$/.exec(text.trim());
  if (match === null) throw new NoteFormatError('a verifier key looks like NAME+8 hex digits+BASE64');
  const name = match[1];
  if (!isKeyName(name)) throw new NoteFormatError('the key name holds white space or control characters');
  const raw = fromBase64(match[3]);
  if (raw === undefined || raw.length !== 1 + PUBLIC_KEY_BYTES || raw[0] !== type) {
    throw new NoteFormatError(`the key is not an Ed25519 public key of type 0x0${type}`);
  }
  const publicKey = raw.subarray(1);
  const keyId = noteKeyId(hashes, name, publicKey, type);
  if (keyId !== Number.parseInt(match[2], 16)) throw new NoteFormatError('the key id does not belong to this name and key');
  return { name, keyId, publicKey };
}

/** origin line, decimal size, base64 root; the text a checkpoint signature covers. */
export function formatCheckpointText(checkpoint: Checkpoint): string {
  return `${checkpoint.origin}\n${checkpoint.size}\n${toBase64(checkpoint.root)}\n`;
}

/** One line of a note's signature block, with its newline. */
export function formatSignatureLine(key: { name: string; keyId: number }, signature: Uint8Array): string {
  const id = new Uint8Array(4);
  writeU32(id, 0, key.keyId);
  return `— ${key.name} ${toBase64(concat(id, signature))}\n`;
}

/** Appends one signature line to a text, after the blank line. */
export function formatNote(text: string, key: { name: string; keyId: number }, signature: Uint8Array): string {
  return `${text}\n${formatSignatureLine(key, signature)}`;
}

/** Note text → checkpoint and its unchecked signatures, or throws NoteFormatError. */
export function parseCheckpoint(note: string): SignedCheckpoint {
  if (note.length > NOTE_BYTES_MAX) throw new NoteFormatError('the note is too long');
  if (!note.isWellFormed() || /[^\P{Cc}\n]/u.test(note)) throw new NoteFormatError('the note holds control characters');
  const split = note.lastIndexOf('\n\n');
  if (split < 0 || !note.endsWith('\n')) throw new NoteFormatError('the note has no signature block');
  const text = note.slice(0, split + 1);
  return { ...parseCheckpointText(text), text, signatures: parseSignatures(note.slice(split + 2)) };
}

/** The three lines that a checkpoint's signatures cover, or throws NoteFormatError. */
export function parseCheckpointText(text: string): Checkpoint {
  const lines = text.split('\n');
  if (lines.length !== 4 || lines[3] !== '') throw new NoteFormatError('a checkpoint has three lines: origin, size, root');
  const [origin, sizeText, rootText] = lines;
  if (origin.length === 0) throw new NoteFormatError('the origin line is empty');
  if (!/^(0|[1-9]\d{0,15})$/.test(sizeText) || !Number.isSafeInteger(Number(sizeText)))
    throw new NoteFormatError('the size line is not a plain decimal number');
  const root = fromBase64(rootText);
  if (root === undefined || root.length !== HASH_BYTES) throw new NoteFormatError('the root line is not 32 bytes of base64');
  return { origin, size: Number(sizeText), root };
}

function parseSignatures(block: string): NoteSignature[] {
  const lines = block.split('\n');
  if (lines.pop() !== '') throw new NoteFormatError('the last signature line has no newline');
  if (lines.length === 0) throw new NoteFormatError('the note has no signature');
  if (lines.length > SIGNATURES_MAX) throw new NoteFormatError(`the note has more than ${SIGNATURES_MAX} signatures`);
  return lines.map((line) => {
    const match = /^— (\S+) ([A-Za-z0-9+/=]+)$/u.exec(line);
    const raw = match === null ? undefined : fromBase64(match[2]);
    if (match === null || !isKeyName(match[1]) || raw === undefined || raw.length < 5)
      throw new NoteFormatError('a signature line is malformed');
    return { name: match[1], keyId: readU32(raw, 0), signature: raw.subarray(4) };
  });
}

/** Ed25519 verification as a port: Node's crypto on servers, WebCrypto in browsers. */
export type VerifyEd25519 = (publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array) => boolean;

/** True when exactly the given key signed the checkpoint: one line of its name and id, and it verifies. */
export function isSignedBy(checkpoint: SignedCheckpoint, key: VerifierKey, verify: VerifyEd25519): boolean {
  const own = checkpoint.signatures.filter((signature) => signature.name === key.name && signature.keyId === key.keyId);
  return own.length === 1 && own[0].signature.length === 64 && verify(key.publicKey, utf8(checkpoint.text), own[0].signature);
}
