import { realpathSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { fromHex } from '../kernel/bytes.ts';
import { HMAC_KEY_BYTES } from '../kernel/chain.ts';
import { EpochKeys } from './epoch-keys.ts';
import { errorCode, isPresent, listDirectory, publishNewFile, readIfPresent, removeFile, replaceFile, syncDirectory } from './files.ts';
import { LedgerError } from './ledger-error.ts';
import type { LedgerPaths } from './paths.ts';

/** Key files are small; anything longer is not one of ours. */
const KEY_FILE_BYTES_MAX = 4096;
const SECRET_MODE = 0o600;
/**
 * verification.key of the running lineage, verification-<first epoch>.key of earlier ones, .next during a rotation, .new and .tmp while one
 * is made. epoch.key.next starts from the new root key.
 */
const ROOT_KEY_NAME = /^(?:verification.*\.key(?:\.next)?|epoch\.key\.next|hmac\.key)(?:\.new|\.tmp)?$/;

/** Content of a key file that nobody else can read; throws LedgerError `bad-key`. The caller wipes it. */
export function readSecret(path: string): Buffer {
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

/** 64 hex digits and a newline → the key. */
export function readRootKey(path: string): Buffer {
  const text = readSecret(path);
  const key = fromHex(text.toString('latin1').trim());
  text.fill(0);
  if (key?.length !== HMAC_KEY_BYTES) throw new LedgerError('bad-key', `${path} is not 64 hex digits`);
  return Buffer.from(key.buffer, key.byteOffset, key.length);
}

/** Writes a root key where none is; one that is there already has to be the same (a start that was killed after it wrote it). */
export function publishRootKey(path: string, key: Buffer): void {
  if (isPresent(path)) {
    expectRootKey(path, key);
    removeDurably([`${path}.new`]);
    // The kill may have come before its name was durable.
    syncDirectory(dirname(path));
    return;
  }
  const line = Buffer.from(`${key.toString('hex')}\n`);
  publishNewFile(path, line, SECRET_MODE);
  line.fill(0);
}

/** Removes a copy of a root key that is durable in `kept`, and what a kill left of its making; never that file itself. */
export function removeRootKey(path: string, key: Buffer, kept: string): void {
  if (isPresent(path)) expectRootKey(path, key);
  const copies = [`${path}.new`, `${path}.tmp`, path].filter(isPresent);
  removeDurably(copies.filter((copy) => realpathSync(copy) !== realpathSync(kept)));
}

function expectRootKey(path: string, key: Buffer): void {
  const there = readRootKey(path);
  const isSame = there.equals(key);
  there.fill(0);
  if (!isSame) throw new LedgerError('bad-key', `${path} exists already and holds another key; move it away`);
}

export function readEpochKeys(path: string): EpochKeys {
  const content = readSecret(path);
  const keys = EpochKeys.parse(content);
  content.fill(0);
  if (keys === undefined) throw new LedgerError('bad-key', `${path} is not an epoch key: four lines, the first "proofs/epoch-key/v1"`);
  return keys;
}

/** Makes an epoch key file where none is, whole or not at all. */
export function publishEpochKeys(path: string, keys: EpochKeys): void {
  const content = keys.format();
  publishNewFile(path, content, SECRET_MODE);
  content.fill(0);
}

/**
 * Puts the next epoch's keys in the place of those before, durably: a kill leaves the one or the other. `announce` is called with the
 * content before it takes its place. The old keys' blocks may survive on the medium; nothing here can promise otherwise.
 */
export function replaceEpochKeys(path: string, keys: EpochKeys, announce: (content: Buffer) => void): void {
  const content = keys.format();
  announce(content);
  replaceFile(path, content, 'now', SECRET_MODE);
  content.fill(0);
}

/** Removes what a killed process left half made: it may hold a key that was meant to be gone by now. */
export function removeUnfinishedKeys(paths: LedgerPaths): void {
  const { verificationKey, epochKey, nextEpochKey, hmacKey, logKey } = paths;
  const finished = [verificationKey, pendingRootKey(paths), epochKey, nextEpochKey, hmacKey, logKey];
  removeDurably(finished.flatMap((path) => [`${path}.new`, `${path}.tmp`]));
}

/** Those that are there; all in one folder. */
function removeDurably(paths: readonly string[]): void {
  const found = paths.filter(isPresent);
  for (const path of found) removeFile(path);
  if (found.length > 0) syncDirectory(dirname(found[0]));
}

/** Where the new root key waits during a rotation, unless it is escrowed elsewhere. */
export function pendingRootKey(paths: LedgerPaths): string {
  return `${paths.verificationKey}.next`;
}

/** Root keys that still lie on this machine: as long as there are any, an intruder can rewrite what was sealed. */
export function rootKeysHere(paths: LedgerPaths): string[] {
  try {
    return listDirectory(paths.keys).filter((name) => ROOT_KEY_NAME.test(name));
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return [];
    throw error;
  }
}
