import { parseCosignerKey } from '../kernel/cosignature.ts';
import { nodeHashes } from '../kernel/node-hashes.ts';
import { NoteFormatError, parseVerifierKey, type SignedCheckpoint, type VerifierKey } from '../kernel/note.ts';
import type { EpochKeyCandidate, HmacKeyCandidate } from '../verify/chain-keys.ts';
import { parseEpochKey, parseRootKey } from '../verify/key-text.ts';
import { readNamedFile } from '../verify/ledger-files.ts';
import { tryParseNote } from '../verify/ledger-inputs.ts';
import { VerifyError } from '../verify/verify-error.ts';
import type { Faults } from './options.ts';

/** Keys, notes and receipts are small; anything longer is another file. */
const INPUT_FILE_BYTES_MAX = 65_536;

/** Keys that check MACs: roots of lineages, and the secrets of single epochs. */
export interface MacKeys {
  readonly hmacKeys: readonly HmacKeyCandidate[];
  readonly epochKeys: readonly EpochKeyCandidate[];
}

/** The verifier key a person expects, as text. */
export function parseKeyOption(faults: Faults, text: string | undefined): VerifierKey | undefined {
  return text === undefined ? undefined : parseKeyText(faults, '--key', text, parseVerifierKey);
}

/** Verifier keys of cosigners, as text. */
export function parseWitnessOptions(faults: Faults, texts: readonly string[] | undefined): VerifierKey[] {
  const keys = (texts ?? []).map((text) => parseKeyText(faults, '--witness', text, parseCosignerKey));
  return keys.filter((key) => key !== undefined);
}

/** A checkpoint note in a file. */
export function readAnchorOption(faults: Faults, path: string | undefined): SignedCheckpoint | undefined {
  const content = path === undefined ? undefined : readInput(faults, '--anchor', path);
  if (content === undefined) return undefined;
  const note = tryParseNote(content);
  return typeof note === 'string' ? faults.add(`--anchor "${path}" is no checkpoint: ${note}`) : note;
}

export function readAnchorOptions(faults: Faults, paths: readonly string[] | undefined): SignedCheckpoint[] {
  return (paths ?? []).map((path) => readAnchorOption(faults, path)).filter((note) => note !== undefined);
}

/** Root keys (verification.key, hmac.key) and epoch.key files, told apart by what is in them. */
export function readMacKeyOptions(faults: Faults, paths: readonly string[] | undefined): MacKeys {
  const hmacKeys: HmacKeyCandidate[] = [];
  const epochKeys: EpochKeyCandidate[] = [];
  for (const path of paths ?? []) {
    const content = readInput(faults, '--hmac-key', path);
    if (content === undefined) continue;
    const epochKey = parseEpochKey(path, content);
    const rootKey = parseRootKey(path, content);
    content.fill(0);
    if (epochKey !== undefined) epochKeys.push(epochKey);
    else if (rootKey !== undefined) hmacKeys.push(rootKey);
    else faults.add(`--hmac-key "${path}" is neither 64 hex digits and a newline nor an epoch.key`);
  }
  return { hmacKeys, epochKeys };
}

/** Bytes of a file the caller named. */
export function readInput(faults: Faults, option: string, path: string): Uint8Array | undefined {
  try {
    const content = readNamedFile(path, INPUT_FILE_BYTES_MAX + 1);
    if (content === undefined) return faults.add(`${option} "${path}" does not exist`);
    return content.length > INPUT_FILE_BYTES_MAX ? faults.add(`${option} "${path}" is too long for what it should be`) : content;
  } catch (error) {
    if (!(error instanceof VerifyError)) throw error;
    return faults.add(error.message);
  }
}

function parseKeyText(faults: Faults, option: string, text: string, parse: typeof parseCosignerKey): VerifierKey | undefined {
  try {
    return parse(nodeHashes, text);
  } catch (error) {
    if (!(error instanceof NoteFormatError)) throw error;
    return faults.add(`${option} is "${text.slice(0, 128)}": ${error.message}`);
  }
}
