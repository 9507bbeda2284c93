import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { fromHex } from '../kernel/bytes.ts';
import { HMAC_KEY_BYTES } from '../kernel/chain.ts';
import { nodeHashes } from '../kernel/node-hashes.ts';
import { NoteFormatError, parseVerifierKey, type SignedCheckpoint, type VerifierKey } from '../kernel/note.ts';
import type { Finding } from '../verify/finding.ts';
import { formatLedgerReport } from '../verify/format-ledger-report.ts';
import { fileMode, ledgerDirectory, readNamedFile } from '../verify/ledger-files.ts';
import { tryParseNote, type HmacKeyCandidate } from '../verify/ledger-inputs.ts';
import { VerifyError } from '../verify/verify-error.ts';
import { verifyLedger, type VerifyLedgerInput } from '../verify/verify-ledger.ts';
import { EXIT_ERROR, UsageError, type Command, type CommandIo } from './command.ts';

/** Keys and notes are small; anything longer is another file. */
const INPUT_FILE_BYTES_MAX = 65_536;
/** Several commits of a busy writer; only waited when the tail is unfinished. */
const SETTLE_MS = 300;
const BAR_WIDTH = 30;

const USAGE = `usage: pproofs log verify [OPTIONS]
  --data-dir DIR       the ledger's folder (PROOFS_DATA_DIR, else ./data)
  --keys-dir DIR       where hmac.key may lie (PROOFS_KEYS_DIR, else DIR/keys)
  --hmac-key FILE      HMAC key that checks the MAC of every leaf; may repeat
  --public-only        use no HMAC key: check as a stranger would
  --key VKEY           the verifier key you expect (NAME+ID+BASE64)
  --anchor FILE        a checkpoint of this ledger kept elsewhere: excludes a rollback before it
  --allow-unanchored   exit with 0 instead of 10 when only the anchor is missing
  --allow-unsealed     do not report that the ledger seals no keys (21)
  --json               the whole report as JSON
exit codes: 0 OK_ANCHORED, 2 usage, 10 OK_UNANCHORED, 20 TORN_TAIL, 21 UNSEALED, 30 TRUNCATED, 31 TAMPERED, 32 FORKED,
            33 ROLLED_BACK, 34 KEY_MISMATCH, 35 DOWNGRADE, 70 ERROR; of several findings the highest`;

const OPTIONS = {
  'data-dir': { type: 'string' },
  'keys-dir': { type: 'string' },
  'hmac-key': { type: 'string', multiple: true },
  'public-only': { type: 'boolean' },
  key: { type: 'string' },
  anchor: { type: 'string' },
  'allow-unanchored': { type: 'boolean' },
  'allow-unsealed': { type: 'boolean' },
  json: { type: 'boolean' },
} as const;

type Options = ReturnType<typeof parseArgs<{ options: typeof OPTIONS }>>['values'];

export const logVerify: Command = {
  name: 'log verify',
  summary: 'check a ledger on disk, without a running sidecar: every byte, and where it is wrong',
  usage: USAGE,
  async run(args, io) {
    const options = parseOptions(args);
    const input = toInput(options, io);
    try {
      const report = await verifyLedger(input);
      const paint = (text: string, isGood: boolean): string => (io.useColor ? `\u{1b}[${isGood ? 32 : 31};1m${text}\u{1b}[0m` : text);
      io.stdout.write(options.json === true ? `${JSON.stringify(report, null, 2)}\n` : formatLedgerReport(report, paint));
      return report.exitCode;
    } catch (error) {
      if (error instanceof VerifyError && error.code === 'bad-input') throw new UsageError(error.message, { cause: error });
      if (!(error instanceof VerifyError) && !io.signal.aborted) throw error;
      const reason = io.signal.aborted ? 'interrupted' : String(error instanceof Error ? error.message : error);
      if (options.json === true) io.stdout.write(`${JSON.stringify({ verdict: 'ERROR', exitCode: EXIT_ERROR, reason }, null, 2)}\n`);
      else io.stderr.write(`ERROR: the check could not be carried out: ${reason}\n`);
      return EXIT_ERROR;
    }
  },
};

function parseOptions(args: readonly string[]): Options {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, allowPositionals: false }).values;
  } catch (cause) {
    throw new UsageError(cause instanceof Error ? cause.message : String(cause), { cause });
  }
}

/** Reads what the caller named; gathers every fault before giving up. */
function toInput(options: Options, io: CommandIo): VerifyLedgerInput {
  const dataDir = options['data-dir'] ?? io.env.PROOFS_DATA_DIR ?? './data';
  const keysDir = options['keys-dir'] ?? io.env.PROOFS_KEYS_DIR ?? join(dataDir, 'keys');
  const faults: string[] = [];
  if (options['public-only'] === true && options['hmac-key'] !== undefined) faults.push('--public-only and --hmac-key exclude each other');
  const { hmacKeys, keyAbsence, damaged } = readHmacKeys(options, keysDir, faults);
  const pinnedKey = options.key === undefined ? undefined : attempt(faults, () => toVerifierKey(options.key ?? ''));
  const anchor = options.anchor === undefined ? undefined : attempt(faults, () => readAnchor(options.anchor ?? ''));
  if (faults.length > 0) throw new UsageError(faults.join('; '));
  return {
    files: ledgerDirectory(dataDir),
    hmacKeys,
    keyAbsence,
    pinnedKey,
    anchor,
    warnings: options['public-only'] === true ? [] : [...keyModeWarnings(keysDir), ...damaged],
    allow: { unanchored: options['allow-unanchored'] === true, unsealed: options['allow-unsealed'] === true },
    onProgress: toProgress(io),
    signal: io.signal,
    settle: () => setTimeout(SETTLE_MS),
  };
}

interface HmacKeys {
  readonly hmacKeys: readonly HmacKeyCandidate[];
  /** Why there is none. */
  readonly keyAbsence: string;
  /** The ledger's own key file is there and is none. */
  readonly damaged: readonly Finding[];
}

function readHmacKeys(options: Options, keysDir: string, faults: string[]): HmacKeys {
  if (options['public-only'] === true) return { hmacKeys: [], keyAbsence: 'asked to use none', damaged: [] };
  const named = options['hmac-key'] ?? [];
  const read = named.map((path) => attempt(faults, () => readHmacKey(path))).filter((key) => key !== undefined);
  if (named.length > 0) return { hmacKeys: read, keyAbsence: 'none of the named files', damaged: [] };
  const path = join(keysDir, 'hmac.key');
  try {
    return { hmacKeys: [readHmacKey(path)], keyAbsence: '', damaged: [] };
  } catch (error) {
    if (!(error instanceof VerifyError)) throw error;
    // A missing key, or one that this user may not read, is a stranger's view; a file that is no key was damaged or exchanged.
    const isDamaged = error.code === 'bad-input' && fileMode(path) !== undefined;
    const finding: Finding = {
      verdict: 'KEY_MISMATCH',
      place: { file: 'keys/hmac.key' },
      expected: '64 hex digits and a newline',
      found: 'something else',
    };
    return { hmacKeys: [], keyAbsence: error.message, damaged: isDamaged ? [finding] : [] };
  }
}

function attempt<T>(faults: string[], read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof VerifyError)) throw error;
    faults.push(error.message);
    return undefined;
  }
}

function readHmacKey(path: string): HmacKeyCandidate {
  const content = readRequired(path);
  const text = Buffer.from(content).toString('latin1');
  const key = /^[0-9a-fA-F]{64}\n?$/.test(text) ? fromHex(text.trimEnd()) : undefined;
  content.fill(0);
  if (key?.length !== HMAC_KEY_BYTES) throw new VerifyError('bad-input', `"${path}" is not 64 hex digits and a newline`);
  return { label: path, key };
}

function readAnchor(path: string): SignedCheckpoint {
  const parsed = tryParseNote(readRequired(path));
  if (typeof parsed === 'string') throw new VerifyError('bad-input', `"${path}" is no checkpoint: ${parsed}`);
  return parsed;
}

function readRequired(path: string): Uint8Array {
  const content = readNamedFile(path, INPUT_FILE_BYTES_MAX + 1);
  if (content === undefined) throw new VerifyError('bad-input', `"${path}" does not exist`);
  if (content.length > INPUT_FILE_BYTES_MAX) throw new VerifyError('bad-input', `"${path}" is too long for what it should be`);
  return content;
}

function toVerifierKey(text: string): VerifierKey {
  try {
    return parseVerifierKey(nodeHashes, text);
  } catch (cause) {
    if (cause instanceof NoteFormatError) throw new VerifyError('bad-input', `--key "${text.slice(0, 64)}": ${cause.message}`, { cause });
    throw cause;
  }
}

/** The writer refuses key files that others can read; a verifier only says so. */
function keyModeWarnings(keysDir: string): Finding[] {
  return ['hmac.key', 'log.key'].flatMap((name): Finding[] => {
    const mode = fileMode(join(keysDir, name));
    if (mode === undefined || (mode & 0o077) === 0) return [];
    return [
      {
        verdict: 'WARNING',
        place: { file: `keys/${name}` },
        expected: 'mode 0600',
        found: `mode 0${mode.toString(8)}: others may read or write it`,
      },
    ];
  });
}

function toProgress(io: CommandIo): NonNullable<VerifyLedgerInput['onProgress']> {
  return ({ segments, segmentsTotal, leaves }) => {
    if (!io.isTerminal || segmentsTotal < 2) return;
    const filled = Math.round((segments / segmentsTotal) * BAR_WIDTH);
    const bar = '█'.repeat(filled) + '░'.repeat(BAR_WIDTH - filled);
    io.stderr.write(segments === segmentsTotal ? '\r\u{1b}[K' : `\r${bar} segment ${segments} of ${segmentsTotal}, ${leaves} leaves`);
  };
}
