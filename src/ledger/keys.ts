import { randomBytes, type KeyObject } from 'node:crypto';
import { statSync } from 'node:fs';
import { HMAC_KEY_BYTES } from '../kernel/chain.ts';
import { fromHex, toHex } from '../kernel/bytes.ts';
import { generateEd25519, parsePrivateKeyPem, privateKeyPem, rawPublicKey } from '../kernel/ed25519.ts';
import { nodeHashes } from '../kernel/node-hashes.ts';
import { formatVerifierKey } from '../kernel/note.ts';
import { errorCode, isPresent, makeDirectory, publishNewFile, readIfPresent } from './files.ts';
import { LedgerError } from './ledger-error.ts';
import { ledgerPaths } from './paths.ts';

/** The secrets of one ledger. They live in Buffers and KeyObjects, never in strings that outlive a call. */
export interface LedgerKeys {
  /** 32 bytes. */
  readonly hmacKey: Buffer;
  readonly signingKey: KeyObject;
  /** Raw Ed25519 public key, 32 bytes. */
  readonly publicKey: Uint8Array;
}

/** Key files are small; anything longer is not one of ours. */
const KEY_FILE_BYTES_MAX = 4096;

/** `post-incident-proofs/` and the first 16 hex digits of SHA-256(public key). */
export function defaultOrigin(publicKey: Uint8Array): string {
  return `post-incident-proofs/${toHex(nodeHashes.sha256(publicKey)).slice(0, 16)}`;
}

/** Verifier key text under the default origin. */
export function defaultVerifierKey(publicKey: Uint8Array): string {
  return formatVerifierKey(nodeHashes, defaultOrigin(publicKey), publicKey);
}

/** True when either key file is there: a half-made pair counts, so that nothing is ever overwritten. */
export function hasKeys(dataDir: string, keysDir?: string): boolean {
  const paths = ledgerPaths(dataDir, keysDir);
  return isPresent(paths.hmacKey) || isPresent(paths.logKey);
}

/**
 * Makes both key files, mode 0600, each whole or not at all, durable. Dying between the two leaves a pair without log.key,
 * which the next call completes as long as no ledger was made with it; an existing file is never replaced.
 */
export function createKeys(dataDir: string, keysDir?: string): LedgerKeys {
  const paths = ledgerPaths(dataDir, keysDir);
  makeDirectory(paths.keys);
  if (!isPresent(paths.hmacKey)) {
    const secret = randomBytes(HMAC_KEY_BYTES);
    const line = Buffer.from(`${secret.toString('hex')}\n`);
    publishNewFile(paths.hmacKey, line, 0o600);
    line.fill(0);
    secret.fill(0);
  }
  if (!isPresent(paths.logKey)) publishNewFile(paths.logKey, privateKeyPem(generateEd25519()), 0o600);
  return loadKeys(dataDir, keysDir);
}

/** Reads both keys; throws LedgerError `bad-key` naming every fault. */
export function loadKeys(dataDir: string, keysDir?: string): LedgerKeys {
  const paths = ledgerPaths(dataDir, keysDir);
  const faults: string[] = [];
  const hmacKey = attempt(faults, () => readHmacKey(paths.hmacKey));
  const signingKey = attempt(faults, () => parseSigningKey(readSecret(paths.logKey), paths.logKey));
  if (hmacKey === undefined || signingKey === undefined) throw new LedgerError('bad-key', faults.join('; '));
  return { hmacKey, signingKey, publicKey: rawPublicKey(signingKey) };
}

function attempt<T>(faults: string[], read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof LedgerError)) throw error;
    faults.push(error.message);
    return undefined;
  }
}

function readHmacKey(path: string): Buffer {
  const text = readSecret(path);
  const key = fromHex(text.toString('latin1').trim());
  text.fill(0);
  if (key?.length !== HMAC_KEY_BYTES) throw new LedgerError('bad-key', `${path} is not 64 hex digits`);
  return Buffer.from(key);
}

function parseSigningKey(pem: Buffer, path: string): KeyObject {
  try {
    return parsePrivateKeyPem(pem);
  } catch (cause) {
    throw new LedgerError('bad-key', `${path} is not an Ed25519 private key in PEM form`, { cause });
  } finally {
    pem.fill(0);
  }
}

function readSecret(path: string): Buffer {
  let mode: number;
  try {
    mode = statSync(path).mode;
  } catch (cause) {
    throw new LedgerError('bad-key', `${path} cannot be read (${errorCode(cause) ?? 'unknown error'})`, { cause });
  }
  if ((mode & 0o077) !== 0) throw new LedgerError('bad-key', `${path} is readable or writable by others; run: chmod 600 ${path}`);
  const content = readIfPresent(path, KEY_FILE_BYTES_MAX + 1);
  if (content === undefined || content.length > KEY_FILE_BYTES_MAX) throw new LedgerError('bad-key', `${path} is not a key file`);
  return content;
}
