/**
 * `node test/fault/watch-soak.run.ts [--minutes 10] [--event-bytes 200]`: full-rate appends, rotation, retention, backups and readers. Ends
 * with 1 on any alert.
 */
import { parseArgs } from 'node:util';
import { useBuiltSidecar } from '../support/sidecar.ts';
import { tempDir } from '../support/temp-dir.ts';
import { runWatchSoak } from './watch-soak.ts';

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '10' }, 'event-bytes': { type: 'string', default: '200' } },
});
useBuiltSidecar();
using directory = tempDir();
const report = await runWatchSoak({
  directory: directory.path,
  seconds: Number(values.minutes) * 60,
  eventBytes: Number(values['event-bytes']),
  log: console.log,
});
console.log(JSON.stringify(report, null, 2));
process.exitCode = report.alerts === 0 && report.wrong.length === 0 ? 0 : 1;
