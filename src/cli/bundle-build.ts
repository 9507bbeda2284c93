import { parseWindow } from '../bundle/window.ts';
import { BundleError } from '../bundle/bundle-error.ts';
import { verifyBundle } from '../verify/bundle-verify.ts';
import { EXIT_ERROR, EXIT_OK, type Command, type CommandIo } from './command.ts';
import { fetchBundle, type Refusal } from './fetch-bundle.ts';
import { Faults, parseOptions } from './options.ts';
import { fileExists, replaceFile } from './replace-file.ts';
import { toSafeText } from './safe-text.ts';
import { DEFAULT_URL, isHttpUrl } from './sidecar-address.ts';
import { readTokenFile } from './token-file.ts';
import { writeOut } from './write-out.ts';

const EXIT_EXISTS = 73;
const EXIT_UNREACHABLE = 69;
const EXIT_REFUSED = 76;

export const bundleBuild: Command = {
  name: 'bundle build',
  summary: 'get the evidence of a time window from a running sidecar as one ZIP',
  usage: `usage: pproofs bundle build --window WINDOW --output FILE [OPTIONS]

WINDOW is the time up to now (24h, 90m, 7d) or "FROM to TO" in RFC 3339. What arrives is verified before it is kept.

options:
  --window WINDOW    the window; or --from and --to
  --from TIME        entries received at or after (RFC 3339)
  --to TIME          entries received before (RFC 3339), not in the future
  --output FILE      where the ZIP goes; written whole or not at all
  --force            replace FILE when it exists
  --url URL          the sidecar's address (default ${DEFAULT_URL})
  --token-file FILE  bearer token, for a sidecar that asks for one
  --json             print {"file","bytes","sha256","from","to","entries","verdict"}

exit codes: 0 · 2 usage · 69 no sidecar answers · 70 error · 73 FILE exists · 76 refused by the sidecar (for example: too large)`,

  async run(args, io) {
    const { values, positionals } = parseOptions(args, {
      window: { type: 'string' },
      from: { type: 'string' },
      to: { type: 'string' },
      output: { type: 'string' },
      force: { type: 'boolean' },
      url: { type: 'string', default: DEFAULT_URL },
      'token-file': { type: 'string' },
      json: { type: 'boolean' },
    });
    const faults = new Faults();
    if (positionals.length > 0) faults.add(`unexpected "${positionals[0]}"`);
    const query = { window: values.window, from: values.from, to: values.to };
    checkWindowOptions(faults, query);
    const { output } = values;
    if (output === undefined || output === '') faults.add('--output is needed');
    if (!isHttpUrl(values.url)) faults.add(`--url is "${values.url}": an address like ${DEFAULT_URL} is needed`);
    faults.throwIfAny();
    const file = output ?? '';
    const isForced = values.force === true;
    if (!isForced && (await fileExists(file))) return refuseExisting(io, file);
    const token = values['token-file'] === undefined ? undefined : readTokenFile(values['token-file']);
    const answer = await fetchBundle({ url: values.url, token, query, signal: io.signal });
    if (answer.kind !== 'bundle') return explain(io, answer, values.url);
    const report = verifyBundle({ bytes: answer.bytes });
    if (report.verdict !== 'OK_UNANCHORED') {
      io.stderr.write(
        `pproofs bundle build: what ${toSafeText(values.url)} sent does not verify (${report.verdict}); nothing was written\n`,
      );
      return EXIT_ERROR;
    }
    if (!(await replaceFile(file, answer.bytes, isForced))) return refuseExisting(io, file);
    const { bytes, sha256, from, to, entries } = report.facts;
    const text = `${toSafeText(file)}: ${entries} entries from ${from} to ${to}, ${bytes} bytes, verified\nsha256 ${sha256}\n`;
    await writeOut(
      io.stdout,
      values.json === true ? `${JSON.stringify({ file, bytes, sha256, from, to, entries, verdict: report.verdict })}\n` : text,
    );
    return EXIT_OK;
  },
};

/** The sidecar's own clock decides; here the words are checked, so that a slip costs no request. */
function checkWindowOptions(
  faults: Faults,
  query: { window?: string | undefined; from?: string | undefined; to?: string | undefined },
): void {
  try {
    parseWindow(query, Date.now());
  } catch (error) {
    if (!(error instanceof BundleError)) throw error;
    faults.add(error.message);
  }
}

function refuseExisting(io: CommandIo, file: string): number {
  io.stderr.write(`pproofs bundle build: "${toSafeText(file)}" exists already; nothing was changed (--force replaces it)\n`);
  return EXIT_EXISTS;
}

function explain(io: CommandIo, refusal: Refusal, url: string): number {
  const reason = toSafeText(refusal.reason);
  if (refusal.kind === 'unreachable') {
    io.stderr.write(`pproofs bundle build: no sidecar answers at ${toSafeText(url)} (${reason}); is "pproofs serve" running there?\n`);
    return EXIT_UNREACHABLE;
  }
  io.stderr.write(`pproofs bundle build: the sidecar refuses (${refusal.status}): ${reason}\n`);
  return EXIT_REFUSED;
}
