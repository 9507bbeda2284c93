import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { VerifierKey } from '../kernel/note.ts';
import { SegmentPool } from '../verify/fast-pool.ts';
import { formatLedgerReport } from '../verify/format-ledger-report.ts';
import { ledgerDirectory } from '../verify/ledger-files.ts';
import type { HeldReceipt } from '../verify/receipt-check.ts';
import { VerifyError } from '../verify/verify-error.ts';
import { verifyLedger, type VerifyLedgerInput } from '../verify/verify-ledger.ts';
import { openArchiveInput } from './archive-input.ts';
import { EXIT_ERROR, UsageError, type Command, type CommandIo } from './command.ts';
import { Faults, parseOptions } from './options.ts';
import { readOwnKeys } from './own-keys.ts';
import { readReceiptOptions, verifyReceiptsAlone } from './verify-receipt.ts';
import { parseKeyOption, parseWitnessOptions, readAnchorOptions, readMacKeyOptions } from './verify-inputs.ts';

/** Several commits of a busy writer; only waited when the tail is unfinished. */
const SETTLE_MS = 300;
const BAR_WIDTH = 30;

const USAGE = `usage: pproofs log verify [OPTIONS]
  --data-dir DIR       the ledger's folder (PROOFS_DATA_DIR, else ./data)
  --keys-dir DIR       where its keys may lie (PROOFS_KEYS_DIR, else DIR/keys): verification*.key, else hmac.key; epoch.key
  --archive LOCATION   an archive instead of a folder of segments: its folder, or s3://BUCKET/PREFIX/LEDGER-ID (PROOFS_S3_…)
  --hmac-key FILE      a verification.key, or an epoch.key (checks MACs from its epoch on); may repeat, one for each lineage
  --public-only        use no secret key: check as a stranger would
  --key VKEY           the verifier key you expect (NAME+ID+BASE64)
  --anchor FILE        a checkpoint of this ledger kept elsewhere: excludes a rollback before it; may repeat
  --receipt FILE       a receipt that a producer was given: its entries must be there; may repeat. With --key VKEY, and where
                       no ledger is named and none lies in ./data, it is checked by itself: 0 when it proves what it says
  --witness VKEY       verifier key of a witness whose cosignatures count; may repeat
  --allow-unanchored   exit with 0 instead of 10 when only the anchor is missing
  --allow-unsealed     do not report that the ledger seals no keys (21)
  --json               the whole report as JSON
exit codes: 0 OK_ANCHORED, 2 usage, 10 OK_UNANCHORED, 20 TORN_TAIL, 21 UNSEALED, 30 TRUNCATED, 31 TAMPERED, 32 FORKED,
            33 ROLLED_BACK, 34 KEY_MISMATCH, 35 DOWNGRADE, 70 ERROR; of several findings the highest`;

const OPTIONS = {
  'data-dir': { type: 'string' },
  archive: { type: 'string' },
  'keys-dir': { type: 'string' },
  'hmac-key': { type: 'string', multiple: true },
  'public-only': { type: 'boolean' },
  key: { type: 'string' },
  anchor: { type: 'string', multiple: true },
  receipt: { type: 'string', multiple: true },
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
    try {
      return await check(values, io);
    } catch (error) {
      if (error instanceof VerifyError && error.code === 'bad-input') throw new UsageError(error.message, { cause: error });
      if (!(error instanceof VerifyError) && !io.signal.aborted) throw error;
      const reason = io.signal.aborted ? 'interrupted' : String(error instanceof Error ? error.message : error);
      if (values.json === true) io.stdout.write(`${JSON.stringify({ verdict: 'ERROR', exitCode: EXIT_ERROR, reason }, null, 2)}\n`);
      else io.stderr.write(`ERROR: the check could not be carried out: ${reason}\n`);
      return EXIT_ERROR;
    }
  },
};

async function check(values: Options, io: CommandIo): Promise<number> {
  const input = await toInput(values, io);
  if (isWithoutLedger(values, input, io)) return verifyReceiptsAlone(input.receipts, input.pinnedKey, values.json === true, io);
  try {
    const report = await verifyLedger(input);
    const paint = (text: string, isGood: boolean): string => (io.useColor ? `\u{1b}[${isGood ? 32 : 31};1m${text}\u{1b}[0m` : text);
    io.stdout.write(values.json === true ? `${JSON.stringify(report, null, 2)}\n` : formatLedgerReport(report, paint));
    return report.exitCode;
  } finally {
    await input.checker[Symbol.asyncDispose]();
    for (const { key } of [...input.hmacKeys, ...(input.epochKeys ?? [])]) key.fill(0);
  }
}

type Input = VerifyLedgerInput & { readonly receipts: readonly HeldReceipt[]; readonly checker: SegmentPool };

/** Receipts and a key were given, and neither the command line nor the environment names a ledger. */
function isWithoutLedger(options: Options, input: Input, io: CommandIo): input is Input & { readonly pinnedKey: VerifierKey } {
  const isNamed = options['data-dir'] !== undefined || Boolean(io.env.PROOFS_DATA_DIR);
  return input.receipts.length > 0 && input.pinnedKey !== undefined && !isNamed && input.files.listSegments() === undefined;
}

/** Reads what the caller named; gathers every fault before giving up. */
async function toInput(options: Options, io: CommandIo): Promise<Input> {
  const dataDir = options['data-dir'] ?? io.env.PROOFS_DATA_DIR ?? './data';
  const keysDir = options['keys-dir'] ?? io.env.PROOFS_KEYS_DIR ?? join(dataDir, 'keys');
  const isPublicOnly = options['public-only'] === true;
  const { archive } = options;
  const faults = new Faults();
  if (archive !== undefined && options['data-dir'] !== undefined) faults.add('--archive and --data-dir exclude each other');
  if (isPublicOnly && options['hmac-key'] !== undefined) faults.add('--public-only and --hmac-key exclude each other');
  const named = readMacKeyOptions(faults, options['hmac-key']);
  const pinnedKey = parseKeyOption(faults, options.key);
  const anchors = readAnchorOptions(faults, options.anchor);
  const receipts = readReceiptOptions(faults, options.receipt);
  const witnesses = parseWitnessOptions(faults, options.witness);
  faults.throwIfAny();
  // Read before anything of the ledger is: its epoch is never beyond the ledger's then, even beside a writer at work.
  const own = isPublicOnly ? undefined : readOwnKeys(keysDir);
  const isNamed = options['hmac-key'] !== undefined;
  return {
    files: archive === undefined ? ledgerDirectory(dataDir) : await openArchiveInput(archive, io),
    checker: new SegmentPool(dataDir, availableParallelism()),
    hmacKeys: isNamed ? named.hmacKeys : (own?.hmacKeys ?? []),
    epochKeys: named.epochKeys,
    // An archive ends before the running epoch.
    ownEpochKey: archive === undefined ? own?.epochKey : undefined,
    keyAbsence: isPublicOnly ? 'asked to use none' : (own?.absence ?? ''),
    pinnedKey,
    anchors,
    receipts,
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
