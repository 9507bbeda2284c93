import { randomBytes, type KeyObject } from 'node:crypto';
import { toHex } from '../kernel/bytes.ts';
import { HMAC_KEY_BYTES } from '../kernel/chain.ts';
import { generateEd25519, parsePrivateKeyPem, privateKeyPem, rawPublicKey } from '../kernel/ed25519.ts';
import { nodeHashes } from '../kernel/node-hashes.ts';
import { formatVerifierKey } from '../kernel/note.ts';
import { EpochKeys } from './epoch-keys.ts';
import { isPresent, makeDirectory, publishNewFile, removeFile, syncDirectory } from './files.ts';
import type { Genesis } from './genesis.ts';
import { publishEpochKeys, publishRootKey, readEpochKeys, readRootKey, readSecret, removeUnfinishedKeys } from './key-files.ts';
import { LedgerError } from './ledger-error.ts';
import { ledgerPaths, type LedgerPaths } from './paths.ts';

/** The secrets a running ledger needs. They live in Buffers and KeyObjects, never in strings that outlive a call. */
export interface LedgerKeys {
  /** Of epoch.key, as it stands on the disk. */
  readonly epoch: EpochKeys;
  /** Of epoch.key.next: the first of a new lineage, when a rotation has begun. */
  readonly rotated: EpochKeys | undefined;
  readonly signingKey: KeyObject;
  /** Raw Ed25519 public key, 32 bytes. */
  readonly publicKey: Uint8Array;
}

/** `post-incident-proofs/` and the first 16 hex digits of SHA-256(public key). */
export function defaultOrigin(publicKey: Uint8Array): string {
  return `post-incident-proofs/${toHex(nodeHashes.sha256(publicKey)).slice(0, 16)}`;
}

/** Verifier key text under the default origin. */
export function defaultVerifierKey(publicKey: Uint8Array): string {
  return formatVerifierKey(nodeHashes, defaultOrigin(publicKey), publicKey);
}

/** True when keys are there that createKeys would not complete by itself. */
export function hasKeys(dataDir: string, keysDir?: string): boolean {
  const { logKey, hmacKey, verificationKey, epochKey } = ledgerPaths(dataDir, keysDir);
  return isPresent(logKey) || isPresent(hmacKey) || (isPresent(verificationKey) && !isPresent(epochKey));
}

/**
 * Makes the keys of a new ledger, mode 0600, each file whole or not at all, durable; existing files are never replaced. The order lets
 * every kill in between be made good by the next call: epoch.key holds the root key until it is out, log.key says that it is.
 * `escrow` is where the root key goes instead of KEYS_DIR/verification.key.
 */
export function createKeys(dataDir: string, keysDir?: string, escrow?: string): LedgerKeys {
  const paths = ledgerPaths(dataDir, keysDir);
  makeDirectory(paths.keys);
  removeUnfinishedKeys(paths);
  adoptHmacKey(paths, undefined);
  if (!isPresent(paths.epochKey)) {
    if (isPresent(paths.verificationKey)) {
      throw new LedgerError(
        'bad-key',
        `${paths.epochKey} is missing beside ${paths.verificationKey}: put it back, or choose another folder`,
      );
    }
    const rootKey = randomBytes(HMAC_KEY_BYTES);
    publishEpochKeys(paths.epochKey, EpochKeys.ofRoot(rootKey));
    rootKey.fill(0);
  }
  if (!isPresent(paths.logKey)) {
    const { epoch, macKey } = readEpochKeys(paths.epochKey);
    if (epoch > 0) throw new LedgerError('bad-key', `${paths.logKey} is missing beside an epoch.key that has been used; put it back`);
    publishRootKey(escrow ?? paths.verificationKey, macKey);
    macKey.fill(0);
    publishNewFile(paths.logKey, privateKeyPem(generateEd25519()), 0o600);
  }
  return loadKeys(paths);
}

/** The keys of a ledger that is there; those of an older release are brought into today's form first. */
export function openKeys(paths: LedgerPaths, genesis: Genesis): LedgerKeys {
  removeUnfinishedKeys(paths);
  adoptHmacKey(paths, genesis);
  return loadKeys(paths);
}

/** Reads the keys without changing anything; throws LedgerError `bad-key` naming every fault. */
export function loadKeys(paths: LedgerPaths): LedgerKeys {
  const faults: string[] = [];
  const epoch = attempt(faults, () => readEpochKeys(paths.epochKey));
  const rotated = isPresent(paths.nextEpochKey) ? attempt(faults, () => readEpochKeys(paths.nextEpochKey)) : undefined;
  const signingKey = attempt(faults, () => parseSigningKey(readSecret(paths.logKey), paths.logKey));
  if (epoch === undefined || signingKey === undefined || faults.length > 0) throw new LedgerError('bad-key', faults.join('; '));
  return { epoch, rotated, signingKey, publicKey: rawPublicKey(signingKey) };
}

/**
 * hmac.key of a ledger that did not seal yet is its root key: it becomes verification.key and the epoch.key of epoch 0, then it goes.
 * Killed in between, the next start finds it again and goes on.
 */
function adoptHmacKey(paths: LedgerPaths, genesis: Genesis | undefined): void {
  if (!isPresent(paths.hmacKey)) return;
  const rootKey = readRootKey(paths.hmacKey);
  const keys = EpochKeys.ofRoot(rootKey);
  try {
    if (genesis !== undefined && !keys.isCommittedBy(genesis.keyCommitment, genesis.ledgerId))
      throw new LedgerError('key-mismatch', `${paths.hmacKey} is not the key this ledger was made with`);
    publishRootKey(paths.verificationKey, rootKey);
    if (!isPresent(paths.epochKey)) publishEpochKeys(paths.epochKey, keys);
    const { epoch, macKey } = readEpochKeys(paths.epochKey);
    const isSame = epoch === 0 && macKey.equals(rootKey);
    macKey.fill(0);
    if (!isSame)
      throw new LedgerError(
        'bad-key',
        `${paths.hmacKey} lies beside an epoch.key that has been used or is of another ledger; move it away`,
      );
  } finally {
    rootKey.fill(0);
    keys.wipe();
  }
  removeFile(paths.hmacKey);
  syncDirectory(paths.keys);
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

function parseSigningKey(pem: Buffer, path: string): KeyObject {
  try {
    return parsePrivateKeyPem(pem);
  } catch (cause) {
    throw new LedgerError('bad-key', `${path} is not an Ed25519 private key in PEM form`, { cause });
  } finally {
    pem.fill(0);
  }
}
