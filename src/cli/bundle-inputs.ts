import { fromHex } from '../kernel/bytes.ts';
import { HMAC_KEY_BYTES } from '../kernel/chain.ts';
import { nodeHashes } from '../kernel/node-hashes.ts';
import { NoteFormatError, parseVerifierKey, type SignedCheckpoint, type VerifierKey } from '../kernel/note.ts';
import { readNamedFile } from '../verify/ledger-files.ts';
import { tryParseNote } from '../verify/ledger-inputs.ts';
import { VerifyError } from '../verify/verify-error.ts';
import type { Faults } from './options.ts';

/** Keys and notes are small; anything longer is another file. */
const INPUT_FILE_BYTES_MAX = 65_536;

/** The verifier key a person expects, as text. */
export function parseKeyOption(faults: Faults, text: string | undefined): VerifierKey | undefined {
  if (text === undefined) return undefined;
  try {
    return parseVerifierKey(nodeHashes, text);
  } catch (error) {
    if (!(error instanceof NoteFormatError)) throw error;
    return faults.add(`--key is "${text.slice(0, 128)}": ${error.message}`);
  }
}

/** A checkpoint note in a file. */
export function readAnchorOption(faults: Faults, path: string | undefined): SignedCheckpoint | undefined {
  const content = path === undefined ? undefined : readSmall(faults, '--anchor', path);
  if (content === undefined) return undefined;
  const note = tryParseNote(content);
  return typeof note === 'string' ? faults.add(`--anchor "${path}" is no checkpoint: ${note}`) : note;
}

/** 64 hex digits in a file. */
export function readHmacKeyOption(faults: Faults, path: string | undefined): Uint8Array | undefined {
  const content = path === undefined ? undefined : readSmall(faults, '--hmac-key', path);
  if (content === undefined) return undefined;
  const text = Buffer.from(content).toString('latin1');
  content.fill(0);
  const key = /^[0-9a-fA-F]{64}\n?$/.test(text) ? fromHex(text.trimEnd()) : undefined;
  return key?.length === HMAC_KEY_BYTES ? key : faults.add(`--hmac-key "${path}" is not 64 hex digits and a newline`);
}

function readSmall(faults: Faults, option: string, path: string): Uint8Array | undefined {
  try {
    const content = readNamedFile(path, INPUT_FILE_BYTES_MAX + 1);
    if (content === undefined) return faults.add(`${option} "${path}" does not exist`);
    return content.length > INPUT_FILE_BYTES_MAX ? faults.add(`${option} "${path}" is too long for what it should be`) : content;
  } catch (error) {
    if (!(error instanceof VerifyError)) throw error;
    return faults.add(error.message);
  }
}
