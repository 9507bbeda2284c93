import { createPrivateKey, createPublicKey, generateKeyPairSync, sign, verify, type KeyObject } from 'node:crypto';
import { concat, fromHex } from './bytes.ts';
import type { VerifyEd25519 } from './note.ts';

/** SubjectPublicKeyInfo header of an Ed25519 key (RFC 8410 section 4); the raw 32 bytes follow. */
const SPKI_PREFIX = fromHex('302a300506032b6570032100') as Uint8Array;

/** PKCS#8 header of an Ed25519 seed (RFC 8410 section 7); the 32 bytes follow. */
const PKCS8_PREFIX = fromHex('302e020100300506032b657004220420') as Uint8Array;

/** The private key of a 32-byte seed (RFC 8032 section 5.1.5). */
export function ed25519FromSeed(seed: Uint8Array): KeyObject {
  const key = Buffer.concat([PKCS8_PREFIX, seed]);
  try {
    return createPrivateKey({ key, format: 'der', type: 'pkcs8' });
  } finally {
    key.fill(0);
  }
}

export function generateEd25519(): KeyObject {
  return generateKeyPairSync('ed25519').privateKey;
}

export function rawPublicKey(privateKey: KeyObject): Uint8Array {
  const spki = createPublicKey(privateKey).export({ type: 'spki', format: 'der' });
  return new Uint8Array(spki.subarray(SPKI_PREFIX.length));
}

export function publicKeyPem(publicKey: Uint8Array): string {
  return publicKeyObject(publicKey).export({ type: 'spki', format: 'pem' });
}

export function privateKeyPem(privateKey: KeyObject): string {
  return privateKey.export({ type: 'pkcs8', format: 'pem' });
}

/** PEM → private key; throws when it is not an Ed25519 key. */
export function parsePrivateKeyPem(pem: string | Buffer): KeyObject {
  const key = createPrivateKey(pem);
  if (key.asymmetricKeyType !== 'ed25519') throw new Error(`expected an Ed25519 key, got ${key.asymmetricKeyType ?? 'a secret'}`);
  return key;
}

export function signEd25519(privateKey: KeyObject, message: Uint8Array): Uint8Array {
  return new Uint8Array(sign(null, message, privateKey));
}

export const verifyEd25519: VerifyEd25519 = (publicKey, message, signature) => verify(null, message, publicKeyObject(publicKey), signature);

function publicKeyObject(publicKey: Uint8Array): KeyObject {
  return createPublicKey({ key: Buffer.from(concat(SPKI_PREFIX, publicKey)), format: 'der', type: 'spki' });
}
