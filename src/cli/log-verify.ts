import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { formatLedgerReport } from '../verify/format-ledger-report.ts';
import { ledgerDirectory } from '../verify/ledger-files.ts';
import { VerifyError } from '../verify/verify-error.ts';
import { verifyLedger, type VerifyLedgerInput } from '../verify/verify-ledger.ts';
import { EXIT_ERROR, UsageError, type Command, type CommandIo } from './command.ts';
import { Faults, parseOptions } from './options.ts';
import { readOwnKeys } from './own-keys.ts';
import { parseKeyOption, parseWitnessOptions, readAnchorOptions, readMacKeyOptions } from './verify-inputs.ts';

/** Several commits of a busy writer; only waited when the tail is unfinished. */
const SETTLE_MS = 300;
const BAR_WIDTH = 30;

const USAGE = `usage: pproofs log verify [OPTIONS]
  --data-dir DIR       the ledger's folder (PROOFS_DATA_DIR, else ./data)
  --keys-dir DIR       where its keys may lie (PROOFS_KEYS_DIR, else DIR/keys): verification*.key, else hmac.key; epoch.key
  --hmac-key FILE      a verification.key, or an epoch.key (checks MACs from its epoch on); may repeat, one for each lineage
  --public-only        use no secret key: check as a stranger would
  --key VKEY           the verifier key you expect (NAME+ID+BASE64)
  --anchor FILE        a checkpoint of this ledger kept elsewhere: excludes a rollback before it; may repeat
  --witness VKEY       verifier key of a witness whose cosignatures count; may repeat
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
  anchor: { type: 'string', multiple: true },
  witness: { type: 'string', multiple: true },
  'allow-unanchored': { type: 'boolean' },
  'allow-unsealed': { type: 'boolean' },
  json: { type: 'boolean' },
} as const;

type Options = ReturnType<typeof parseOptions<typeof OPTIONS>>['values'];

export const logVerify: Command = {
  name: 'log verify',
  summary: 'check a ledger on disk, without a running sidecar: every byte, and where it is wrong',
  usage: USAGE,
  async run(args, io) {
    const { values, positionals } = parseOptions(args, OPTIONS);
    if (positionals.length > 0) throw new UsageError(`unexpected "${positionals[0]}"`);
    const input = toInput(values, io);
    try {
      const report = await verifyLedger(input);
      const paint = (text: string, isGood: boolean): string => (io.useColor ? `\u{1b}[${isGood ? 32 : 31};1m${text}\u{1b}[0m` : text);
      io.stdout.write(values.json === true ? `${JSON.stringify(report, null, 2)}\n` : formatLedgerReport(report, paint));
      return report.exitCode;
    } catch (error) {
      if (error instanceof VerifyError && error.code === 'bad-input') throw new UsageError(error.message, { cause: error });
      if (!(error instanceof VerifyError) && !io.signal.aborted) throw error;
      const reason = io.signal.aborted ? 'interrupted' : String(error instanceof Error ? error.message : error);
      if (values.json === true) io.stdout.write(`${JSON.stringify({ verdict: 'ERROR', exitCode: EXIT_ERROR, reason }, null, 2)}\n`);
      else io.stderr.write(`ERROR: the check could not be carried out: ${reason}\n`);
      return EXIT_ERROR;
    } finally {
      for (const { key } of [...input.hmacKeys, ...(input.epochKeys ?? [])]) key.fill(0);
    }
  },
};

/** Reads what the caller named; gathers every fault before giving up. */
function toInput(options: Options, io: CommandIo): VerifyLedgerInput {
  const dataDir = options['data-dir'] ?? io.env.PROOFS_DATA_DIR ?? './data';
  const keysDir = options['keys-dir'] ?? io.env.PROOFS_KEYS_DIR ?? join(dataDir, 'keys');
  const isPublicOnly = options['public-only'] === true;
  const faults = new Faults();
  if (isPublicOnly && options['hmac-key'] !== undefined) faults.add('--public-only and --hmac-key exclude each other');
  const named = readMacKeyOptions(faults, options['hmac-key']);
  const pinnedKey = parseKeyOption(faults, options.key);
  const anchors = readAnchorOptions(faults, options.anchor);
  const witnesses = parseWitnessOptions(faults, options.witness);
  faults.throwIfAny();
  // Read before anything of the ledger is: its epoch is never beyond the ledger's then, even beside a writer at work.
  const own = isPublicOnly ? undefined : readOwnKeys(keysDir);
  const isNamed = options['hmac-key'] !== undefined;
  return {
    files: ledgerDirectory(dataDir),
    hmacKeys: isNamed ? named.hmacKeys : (own?.hmacKeys ?? []),
    epochKeys: named.epochKeys,
    ownEpochKey: own?.epochKey,
    keyAbsence: isPublicOnly ? 'asked to use none' : (own?.absence ?? ''),
    pinnedKey,
    anchors,
    witnesses,
    warnings: own?.findings ?? [],
    allow: { unanchored: options['allow-unanchored'] === true, unsealed: options['allow-unsealed'] === true },
    onProgress: toProgress(io),
    signal: io.signal,
    settle: () => setTimeout(SETTLE_MS),
  };
}

function toProgress(io: CommandIo): NonNullable<VerifyLedgerInput['onProgress']> {
  return ({ segments, segmentsTotal, leaves }) => {
    if (!io.isTerminal || segmentsTotal < 2) return;
    const filled = Math.round((segments / segmentsTotal) * BAR_WIDTH);
    const bar = '█'.repeat(filled) + '░'.repeat(BAR_WIDTH - filled);
    io.stderr.write(segments === segmentsTotal ? '\r\u{1b}[K' : `\r${bar} segment ${segments} of ${segmentsTotal}, ${leaves} leaves`);
  };
}
