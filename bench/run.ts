/** `npm run bench -- [--seconds 60] [--only NAME]`: measures on this machine, prints a table, keeps the figures in bench/results/. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { benchAppendCore } from './append-core.ts';
import { benchHttpIngest } from './http-ingest.ts';
import { benchInProcess } from './in-process.ts';
import { benchLogVerify } from './log-verify.ts';
import { calibrate } from './measure.ts';
import { benchMemory } from './memory.ts';
import { benchSingleEvents } from './single-events.ts';

const { values } = parseArgs({ options: { seconds: { type: 'string', default: '60' }, only: { type: 'string' } } });
const seconds = Number(values.seconds);
if (!Number.isInteger(seconds) || seconds < 1 || seconds > 3600)
  throw new Error(`--seconds "${values.seconds}" is not a number from 1 to 3600`);

const SCENARIOS: Readonly<Record<string, () => unknown>> = {
  'append-core': () => benchAppendCore(3_000_000),
  'in-process': () => benchInProcess(1_000_000),
  'log-verify': () => benchLogVerify(5_000_000),
  'http-ingest': () => benchHttpIngest(seconds),
  'rss-10m': () => benchMemory(10),
  'single-events-2k': () => benchSingleEvents(2000, Math.min(seconds, 30)),
  'single-events-5k': () => benchSingleEvents(5000, Math.min(seconds, 30)),
};
const names = values.only === undefined ? Object.keys(SCENARIOS) : [values.only];
const unknown = names.filter((name) => !Object.hasOwn(SCENARIOS, name));
if (unknown.length > 0) throw new Error(`no scenario "${unknown.join(', ')}"; there are ${Object.keys(SCENARIOS).join(', ')}`);

const results: Record<string, unknown> = { at: new Date().toISOString(), calibration: calibrate() };
console.log('calibration', results['calibration']);
mkdirSync('bench/results', { recursive: true });
for (const name of names) {
  results[name] = await SCENARIOS[name]();
  console.log(name, results[name]);
  // Written as they come, so that an interrupted run keeps what it measured.
  writeFileSync('bench/results/latest.json', `${JSON.stringify(results, undefined, 2)}\n`);
}
