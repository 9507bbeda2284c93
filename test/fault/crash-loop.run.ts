/** `node test/fault/crash-loop.run.ts [--kills 500] [--seed N]`: kill -9 under load, as often as wanted. Ends with 1 when a promise was broken. */
import { parseArgs } from 'node:util';
import { tempDir } from '../support/temp-dir.ts';
import { runCrashLoop } from './crash-loop.ts';

const { values } = parseArgs({
  options: { kills: { type: 'string', default: '500' }, seed: { type: 'string', default: String(Date.now() % 0x7fff_ffff) } },
});
using directory = tempDir();
console.log(`seed ${values.seed}`);
const report = await runCrashLoop({ directory: directory.path, seed: Number(values.seed), kills: Number(values.kills), log: console.log });
console.log(JSON.stringify(report, null, 2));
process.exitCode = report.wrong.length === 0 ? 0 : 1;
