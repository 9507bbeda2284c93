import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { parseEvents } from '../ingest/parse-events.ts';
import { BATCH_LINES_MAX, type Batch } from '../import/batches.ts';
import { isLineFormat, LINE_FORMATS, type LineFormat } from '../import/formats.ts';
import { ImportError, type ImportErrorCode } from '../import/import-error.ts';
import { prepareImport, type ImportOptions } from '../import/import-log.ts';
import { openLogSource } from '../import/log-source.ts';
import { sendLog, type SendReport } from '../import/send-log.ts';
import { sendBatch, toFileFault, type SendOutcome } from '../import/sidecar.ts';
import { parseTimeZone } from '../import/time-zone.ts';
import { EXIT_ERROR, EXIT_OK, UsageError, type Command, type CommandIo } from './command.ts';
import { describeReport } from './import-report.ts';
import { Faults, parseOptions } from './options.ts';
import { createProgressBar } from './progress-bar.ts';
import { toSafeText } from './safe-text.ts';
import { readTokenFile } from './token-file.ts';
import { writeOut } from './write-out.ts';

/** As in sysexits.h: data, input, service, permission; 130 = stopped by Ctrl-C. */
const EXIT_REFUSED = 65;
const EXIT_UNREADABLE = 66;
const EXIT_UNAVAILABLE = 69;
const EXIT_FORBIDDEN = 77;
const EXIT_INTERRUPTED = 130;

const ERROR_EXITS: Readonly<Record<ImportErrorCode, number>> = {
  unreadable: EXIT_UNREADABLE,
  unsupported: EXIT_REFUSED,
  refused: EXIT_REFUSED,
  forbidden: EXIT_FORBIDDEN,
  unreachable: EXIT_UNAVAILABLE,
  'disk-full': EXIT_UNAVAILABLE,
  'bad-answer': EXIT_ERROR,
};

const DEFAULT_URL = 'http://127.0.0.1:8080';
const DEFAULT_BATCH_LINES = 1000;

const USAGE = `usage: pproofs import FILE... [OPTIONS]      ("-" reads standard input)

Sends the lines of log files to a running sidecar as events. The original line is kept byte for byte in attributes.line.
Run the same command again after an interruption: what is there already is found and not stored twice.

options:
  --url URL          the sidecar's address (default ${DEFAULT_URL})
  --token-file FILE  bearer token, for a sidecar that asks for one
  --format FORMAT    auto (default), ${LINE_FORMATS.join(', ')}
  --year N           year of the first line, for lines that name none (default: the latest that is not in the future)
  --tz ZONE          zone of lines that name none: UTC (default), +02:00, Europe/Berlin
  --tenant TENANT    tenant of every event (not for ndjson)
  --source NAME      source of every event instead of the program each line names (not for ndjson)
  --batch N          lines per request, 1 to ${BATCH_LINES_MAX} (default ${DEFAULT_BATCH_LINES})
  --dry-run          read, interpret and check everything, send nothing
  --again            import once more what was imported before
  --run ID           like --again under a name: the same ID resumes the same run
  --json             print the report as one JSON object

exit codes: 0 everything is in the ledger · 2 usage · 65 lines were refused (nothing of their batch is stored) ·
66 a file cannot be read · 69 the sidecar cannot be reached, is overloaded or its disk is full · 70 error ·
77 the token is missing or wrong · 130 interrupted (run the same command again)`;

export const importCommand: Command = {
  name: 'import',
  summary: 'send log files (syslog, Apache, access logs, NDJSON, plain text) to a sidecar',
  usage: USAGE,
  async run(args, io) {
    const settings = parseSettings(args, io);
    const reports: SendReport[] = [];
    let code = EXIT_OK;
    for (const file of settings.files) {
      try {
        const report = await importFile(file, settings, io);
        reports.push(report);
        code = report.end === 'refused' ? EXIT_REFUSED : report.end === 'interrupted' ? EXIT_INTERRUPTED : EXIT_OK;
        if (!settings.json) await writeOut(io.stdout, describeReport(report));
        if (report.end === 'interrupted') io.stderr.write(resumeHint(settings));
      } catch (error) {
        if (!(error instanceof ImportError)) throw error;
        io.stderr.write(`pproofs import: ${toSafeText(error.message)}\n`);
        code = ERROR_EXITS[error.code];
      }
      if (code !== EXIT_OK) break;
    }
    if (settings.json)
      await writeOut(io.stdout, `${JSON.stringify({ dryRun: settings.isDryRun, complete: code === EXIT_OK, files: reports })}\n`);
    return code;
  },
};

interface Settings extends ImportOptions {
  readonly files: readonly string[];
  readonly url: string;
  readonly token: string | undefined;
  readonly isDryRun: boolean;
  readonly json: boolean;
}

function parseSettings(args: readonly string[], io: CommandIo): Settings {
  const { values, positionals } = parseOptions(args, {
    url: { type: 'string', default: DEFAULT_URL },
    'token-file': { type: 'string' },
    format: { type: 'string', default: 'auto' },
    year: { type: 'string' },
    tz: { type: 'string', default: 'UTC' },
    tenant: { type: 'string' },
    source: { type: 'string' },
    batch: { type: 'string' },
    'dry-run': { type: 'boolean', default: false },
    again: { type: 'boolean', default: false },
    run: { type: 'string' },
    json: { type: 'boolean', default: false },
  });
  const faults = new Faults();
  if (positionals.length === 0) faults.add('name at least one file, or "-" for standard input');
  if (positionals.filter((file) => file === '-').length > 1) faults.add('standard input ("-") can be read once only');
  if (!isHttpUrl(values.url)) faults.add(`--url is "${values.url}": an address like ${DEFAULT_URL} is needed`);
  const format = toFormat(values.format) ?? faults.add(`--format is "${values.format}": one of auto, ${LINE_FORMATS.join(', ')} is needed`);
  const zone =
    parseTimeZone(values.tz) ?? faults.add(`--tz is "${values.tz}": UTC, an offset like +02:00 or a name like Europe/Berlin is needed`);
  const year = faults.integer('--year', values.year, 1970, 9999);
  const batchLines = faults.integer('--batch', values.batch, 1, BATCH_LINES_MAX) ?? DEFAULT_BATCH_LINES;
  if (values.again && values.run !== undefined) faults.add('--again makes a name of its own: leave out --run');
  faults.throwIfAny();
  if (format === undefined || zone === undefined) throw new UsageError('--format and --tz are needed');
  const token = values['token-file'] === undefined ? undefined : readTokenFile(values['token-file']);
  const run = values.again ? randomBytes(8).toString('hex') : values.run;
  if (values.again) io.stderr.write(`this import is run "${run}"; if it is interrupted, go on with --run ${run} instead of --again\n`);
  return {
    files: positionals,
    url: values.url,
    token,
    format,
    year,
    zone,
    tenant: values.tenant,
    source: values.source,
    batchLines,
    run,
    isDryRun: values['dry-run'],
    json: values.json,
  };
}

function isHttpUrl(text: string): boolean {
  return URL.canParse(text) && /^https?:$/.test(new URL(text).protocol);
}

function toFormat(text: string): LineFormat | 'auto' | undefined {
  return text === 'auto' || isLineFormat(text) ? text : undefined;
}

async function importFile(file: string, settings: Settings, io: CommandIo): Promise<SendReport> {
  const source = await openLogSource(file, io.stdin);
  const log = await prepareImport(source, settings, Date.now());
  const bar = createProgressBar(io.stderr, io.isTerminal, source.label);
  const send = settings.isDryRun ? checkOnly : (batch: Batch) => sendBatch(batch, sidecarOf(settings, io));
  try {
    return await sendLog(source, log, send, io.signal, ({ bytes, lines }) => bar.update(bytes, source.sizeBytes, lines));
  } finally {
    bar.finish();
  }
}

/** A dry run judges the lines as the sidecar would. */
function checkOnly(batch: Batch): Promise<SendOutcome> {
  const { faults, faultsTotal } = parseEvents(batch.body, 'ndjson', { onInvalid: 'reject' });
  if (faultsTotal === 0) return Promise.resolve({ kind: 'not-sent' });
  return Promise.resolve({
    kind: 'refused',
    detail: 'these lines would be refused',
    faults: faults.map((fault) => toFileFault(batch, fault)),
    faultsTotal,
  });
}

function sidecarOf(settings: Settings, io: CommandIo): Parameters<typeof sendBatch>[1] {
  return {
    url: settings.url,
    token: settings.token,
    signal: io.signal,
    // An interruption ends the wait; sendBatch looks at the signal itself.
    sleep: (ms) => delay(ms, undefined, { signal: io.signal }).catch(() => undefined),
    onRetry: (reason, waitMs) =>
      io.stderr.write(`${io.isTerminal ? '\r\x1b[K' : ''}${toSafeText(reason)}; trying again in ${(waitMs / 1000).toFixed(1)} s\n`),
  };
}

function resumeHint(settings: Settings): string {
  return `stopped after a whole batch; run the same command again${settings.run === undefined ? '' : ` (with --run ${settings.run})`} to go on\n`;
}
