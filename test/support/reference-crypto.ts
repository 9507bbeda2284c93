import { createHash, createHmac, createPrivateKey, createPublicKey, sign, type KeyObject } from 'node:crypto';

/** Hashes, keys, notes and canonical JSON of docs/formats/ledger.md for the reference writer: shares nothing with src/. */
export type Value = string | number | boolean | null | readonly Value[] | { readonly [key: string]: Value };

const PKCS8_ED25519 = Buffer.from('302e020100300506032b657004220420', 'hex');

export function seededSigningKey(seed: Uint8Array): KeyObject {
  return createPrivateKey({ key: Buffer.concat([PKCS8_ED25519, seed]), format: 'der', type: 'pkcs8' });
}

export function sha256(...parts: readonly Uint8Array[]): Buffer {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
}

export function hmac(key: Uint8Array, ...parts: readonly Uint8Array[]): Buffer {
  const mac = createHmac('sha256', key);
  for (const part of parts) mac.update(part);
  return mac.digest();
}

export function canonical(value: Value): string {
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map((item: Value) => canonical(item)).join(',')}]`;
  const fields = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return `{${fields.map(([key, field]) => `${JSON.stringify(key)}:${canonical(field)}`).join(',')}}`;
}

export function treeRoot(leaves: readonly Uint8Array[]): Buffer {
  if (leaves.length === 0) return sha256();
  const root = (from: number, to: number): Buffer => {
    if (to - from === 1) return sha256(Buffer.of(0), leaves[from]);
    let split = 1;
    while (split * 2 < to - from) split *= 2;
    return sha256(Buffer.of(1), root(from, from + split), root(from + split, to));
  };
  return root(0, leaves.length);
}

export function rawPublic(signingKey: KeyObject): Buffer {
  return createPublicKey(signingKey).export({ type: 'spki', format: 'der' }).subarray(12);
}

function keyId(name: string, publicKey: Uint8Array): Buffer {
  return sha256(Buffer.from(`${name}\n\x01`), publicKey).subarray(0, 4);
}

/** NAME+ID+BASE64 of a key pair's public half. */
export function toVerifierKey(name: string, signingKey: KeyObject): string {
  const publicKey = rawPublic(signingKey);
  return `${name}+${keyId(name, publicKey).toString('hex')}+${Buffer.concat([Buffer.of(1), publicKey]).toString('base64')}`;
}

export interface NoteSigner {
  readonly name: string;
  readonly signingKey: KeyObject;
}

/** A checkpoint note with a signature line of each signer, in this order. */
export function signNote(origin: string, size: number, root: Uint8Array, signers: readonly NoteSigner[]): string {
  const text = `${origin}\n${size}\n${Buffer.from(root).toString('base64')}\n`;
  const lines = signers.map(({ name, signingKey }) => {
    const signature = Buffer.concat([keyId(name, rawPublic(signingKey)), sign(null, Buffer.from(text), signingKey)]);
    return `— ${name} ${signature.toString('base64')}\n`;
  });
  return `${text}\n${lines.join('')}`;
}

/** A checkpoint note signed by the log key alone. */
export function signCheckpoint(origin: string, size: number, root: Uint8Array, signingKey: KeyObject): string {
  return signNote(origin, size, root, [{ name: origin, signingKey }]);
}
