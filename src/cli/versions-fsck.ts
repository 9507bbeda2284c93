import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ERROR_CODES } from '../kernel/error-codes.ts';
import { checkFolder, type FsckReport } from '../versions/fsck.ts';
import { EXIT_OK, UsageError, type Command } from './command.ts';
import { dataDirOf } from './data-dir.ts';
import { parseOptions } from './options.ts';
import { toSafeText } from './safe-text.ts';
import { writeOut } from './write-out.ts';

export const versionsFsck: Command = {
  name: 'versions fsck',
  summary: 'check every version in a data folder, without a sidecar',
  usage: `usage: pproofs versions fsck [OPTIONS]

Reads every head and index, makes the content of every version that retention left and compares its hash. Changes nothing; contents are
made in a temporary folder (TMPDIR). Beside a running sidecar, what is being changed meanwhile may be named as damaged: check again.

options:
  --data-dir DIR   the sidecar's data folder (PROOFS_DATA_DIR, otherwise ./data)
  --json           print the report as JSON

exit codes: 0 · 2 usage · 31 stored bytes are damaged · 70 error`,

  async run(args, io) {
    const { values, positionals } = parseOptions(args, { 'data-dir': { type: 'string' }, json: { type: 'boolean' } });
    if (positionals.length > 0) throw new UsageError(`unexpected "${positionals[0]}"`);
    const dataDir = dataDirOf(values['data-dir'], io.env);
    const scratch = mkdtempSync(join(tmpdir(), 'pproofs-'));
    try {
      const report = await checkFolder(dataDir, scratch);
      await writeOut(io.stdout, values.json === true ? `${JSON.stringify(report)}\n` : describe(report));
      return report.damages.length === 0 ? EXIT_OK : ERROR_CODES['version-damaged'].exit;
    } finally {
      rmSync(scratch, { recursive: true, force: true });
    }
  },
};

function describe({ artifacts, versions, checked, damages, unneeded, unsettled }: FsckReport): string {
  const verdict = damages.length === 0 ? 'intact' : `DAMAGED in ${damages.length} place(s)`;
  const lines = [`${artifacts} artifacts, ${checked} of ${versions} versions checked, ${verdict}`];
  for (const { place, what } of damages) lines.push(toSafeText(`${place}: ${what}`));
  if (unneeded > 0) lines.push(`${unneeded} objects are needed by nothing; the next start removes them`);
  if (unsettled.length > 0) lines.push(`a change was interrupted, the next start settles it: ${unsettled.map(toSafeText).join(', ')}`);
  return `${lines.join('\n')}\n`;
}
