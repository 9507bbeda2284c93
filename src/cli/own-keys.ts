import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { EpochKeyCandidate, HmacKeyCandidate } from '../verify/chain-keys.ts';
import type { Finding } from '../verify/finding.ts';
import { parseEpochKey, parseRootKey } from '../verify/key-text.ts';
import { fileMode, readNamedFile } from '../verify/ledger-files.ts';
import { VerifyError } from '../verify/verify-error.ts';

const KEY_FILE_BYTES_MAX = 4096;
/** A rotation a day for some years; more names than that in a folder of keys are something else. */
const ROOT_KEYS_MAX = 1000;
const ROOT_KEY_NAME = /^verification(-\d{1,10})?\.key$/;

/** The keys that lie beside a ledger, as far as they are there and can be read. */
export interface OwnKeys {
  readonly hmacKeys: readonly HmacKeyCandidate[];
  readonly epochKey: EpochKeyCandidate | undefined;
  /** Why there is no root key; empty when there is one. */
  readonly absence: string;
  /** Files that are there and are no keys, and files that others may read. */
  readonly findings: readonly Finding[];
}

export function readOwnKeys(keysDir: string): OwnKeys {
  const findings: Finding[] = [];
  const names = rootKeyNames(keysDir);
  const hmacKeys = (names.length > 0 ? names : ['hmac.key']).map((name) => readKey(keysDir, name, parseRootKey, findings));
  const epochKey = readKey(keysDir, 'epoch.key', parseEpochKey, findings);
  const found = hmacKeys.filter((key) => key !== undefined);
  const absence = found.length > 0 ? '' : `no verification.key or hmac.key in "${keysDir}"`;
  return { hmacKeys: found, epochKey, absence, findings: [...modeWarnings(keysDir, names), ...findings] };
}

function rootKeyNames(keysDir: string): string[] {
  try {
    const names = readdirSync(keysDir).filter((name) => ROOT_KEY_NAME.test(name));
    return names.toSorted().slice(0, ROOT_KEYS_MAX);
  } catch {
    // No folder of keys, or one that this user may not read: a stranger's view.
    return [];
  }
}

/** A missing key, or one that this user may not read, is a stranger's view; a file that is no key was damaged or exchanged. */
function readKey<T>(
  keysDir: string,
  name: string,
  parse: (label: string, content: Uint8Array) => T | undefined,
  findings: Finding[],
): T | undefined {
  const path = join(keysDir, name);
  let content: Uint8Array | undefined;
  try {
    content = readNamedFile(path, KEY_FILE_BYTES_MAX);
  } catch (error) {
    if (!(error instanceof VerifyError)) throw error;
    return undefined;
  }
  if (content === undefined) return undefined;
  const key = parse(path, content);
  content.fill(0);
  const expected = name === 'epoch.key' ? 'the four lines of an epoch.key' : '64 hex digits and a newline';
  if (key === undefined) findings.push({ verdict: 'KEY_MISMATCH', place: { file: `keys/${name}` }, expected, found: 'something else' });
  return key;
}

/** The writer refuses key files that others can read; a verifier only says so. */
function modeWarnings(keysDir: string, rootKeys: readonly string[]): Finding[] {
  return [...rootKeys, 'hmac.key', 'epoch.key', 'log.key'].flatMap((name): Finding[] => {
    const mode = fileMode(join(keysDir, name));
    if (mode === undefined || (mode & 0o077) === 0) return [];
    const found = `mode 0${mode.toString(8)}: others may read or write it`;
    return [{ verdict: 'WARNING', place: { file: `keys/${name}` }, expected: 'mode 0600', found }];
  });
}
