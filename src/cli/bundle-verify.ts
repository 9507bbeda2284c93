import { BUNDLE_BYTES_MAX } from '../bundle/format.ts';
import { verifyBundle } from '../verify/bundle-verify.ts';
import { readNamedFile } from '../verify/ledger-files.ts';
import { VerifyError } from '../verify/verify-error.ts';
import { parseKeyOption, readAnchorOption, readMacKeyOptions } from './verify-inputs.ts';
import { bundleReportText } from './bundle-report-text.ts';
import { EXIT_ERROR, UsageError, type Command } from './command.ts';
import { Faults, parseOptions } from './options.ts';
import { writeOut } from './write-out.ts';

export const bundleVerify: Command = {
  name: 'bundle verify',
  summary: 'check an incident bundle offline: intact, signed, and nothing of its window left out',
  usage: `usage: pproofs bundle verify FILE [OPTIONS]

Needs no sidecar and no network. The verifier is written from docs/formats/bundle.md.

options:
  --key VKEY          the verifier key you expect (NAME+ID+BASE64), as the ledger's operator published it
  --anchor FILE       a checkpoint of this ledger that you got another way; of the bundle's size it excludes a second history
  --hmac-key FILE     a verification.key, or an epoch.key: checks the MACs of entries too; may repeat
  --allow-unanchored  exit with 0 instead of 10 when only the anchor is missing
  --json              the whole report as JSON

exit codes: 0 OK_ANCHORED · 2 usage · 10 OK_UNANCHORED · 31 TAMPERED · 32 FORKED · 34 KEY_MISMATCH ·
40 MALFORMED_ARCHIVE · 41 INCOMPLETE · 70 ERROR; of several findings the highest`,

  async run(args, io) {
    const { values, positionals } = parseOptions(args, {
      key: { type: 'string' },
      anchor: { type: 'string' },
      'hmac-key': { type: 'string', multiple: true },
      'allow-unanchored': { type: 'boolean' },
      json: { type: 'boolean' },
    });
    const faults = new Faults();
    if (positionals.length === 0) faults.add('the FILE to check is missing');
    if (positionals.length > 1) faults.add(`unexpected "${positionals[1]}"`);
    const pinnedKey = parseKeyOption(faults, values.key);
    const anchor = readAnchorOption(faults, values.anchor);
    const macKeys = readMacKeyOptions(faults, values['hmac-key']);
    faults.throwIfAny();
    try {
      const bytes = readBundle(positionals[0]);
      const report = verifyBundle({ bytes, pinnedKey, anchor, macKeys, isUnanchoredAllowed: values['allow-unanchored'] === true });
      const paint = (text: string, isGood: boolean): string => (io.useColor ? `\u{1b}[${isGood ? 32 : 31};1m${text}\u{1b}[0m` : text);
      await writeOut(io.stdout, values.json === true ? `${JSON.stringify(report, null, 2)}\n` : bundleReportText(report, paint));
      return report.exitCode;
    } catch (error) {
      if (!(error instanceof VerifyError)) throw error;
      if (values.json === true)
        await writeOut(io.stdout, `${JSON.stringify({ verdict: 'ERROR', exitCode: EXIT_ERROR, reason: error.message }, null, 2)}\n`);
      else io.stderr.write(`ERROR: the check could not be carried out: ${error.message}\n`);
      return EXIT_ERROR;
    } finally {
      for (const { key } of [...macKeys.hmacKeys, ...macKeys.epochKeys]) key.fill(0);
    }
  },
};

/** One byte more than a bundle may have is read, so that the verifier sees that it is too long. */
function readBundle(path: string): Uint8Array {
  const bytes = readNamedFile(path, BUNDLE_BYTES_MAX + 1);
  if (bytes === undefined) throw new UsageError(`"${path}" does not exist`);
  return bytes;
}
