/**
 * `npm run proofs [-- --json FILE] [--fresh] [--write]`: checks every proof, and says what was proved. `--fresh` forgets what was checked
 * before, `--write` writes what is made from the proofs: grafana/specs/, MAP.md and report.json.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { checkProofs } from './check-proofs.ts';
import { toText } from './report.ts';

const { values } = parseArgs({
  options: { json: { type: 'string' }, fresh: { type: 'boolean', default: false }, write: { type: 'boolean', default: false } },
});
const projectDir = join(import.meta.dirname, '..');
const report = await checkProofs({
  projectDir,
  rootDir: join(projectDir, '..'),
  isFresh: values.fresh,
  isWriting: values.write,
  report: (line) => console.error(line),
});
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(report, undefined, 2)}\n`);
console.log(toText(report));
if (!report.isProved) process.exitCode = 1;
