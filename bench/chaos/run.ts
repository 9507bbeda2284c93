/**
 * `npm run chaos -- [--smoke] [--only NAME] [--rate 31000] [--redis-rate 12000] [--seconds 60] [--seed N] [--output DIR]`: load on real
 * sidecars, faults in it, and every decision judged by the definition. Writes report.html and report.json; exit code 1 when a run was not
 * as expected.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { useBuiltSidecar } from '../../test/support/sidecar.ts';
import { calibrate } from '../measure.ts';
import { DEFINITIONS } from './definitions.ts';
import { FAULTS } from './faults.ts';
import { runOnce, type RunOptions, type RunResult } from './one-run.ts';
import { toHtml, type Report } from './report.ts';
import { runStore, type StoreResult } from './store-run.ts';

const { values } = parseArgs({
  options: {
    smoke: { type: 'boolean', default: false },
    only: { type: 'string' },
    rate: { type: 'string' },
    'redis-rate': { type: 'string' },
    seconds: { type: 'string' },
    seed: { type: 'string' },
    output: { type: 'string', default: 'bench/results/chaos' },
  },
});

function toNumber(name: 'rate' | 'redis-rate' | 'seconds' | 'seed', fallback: number, most: number): number {
  const text = values[name];
  const value = text === undefined ? fallback : Number(text);
  if (!Number.isInteger(value) || value < 1 || value > most) throw new Error(`--${name} "${text}" is not a whole number from 1 to ${most}`);
  return value;
}

const { smoke: isSmoke, only, output } = values;
const seed = toNumber('seed', (Date.now() % 1e9) + 1, 2 ** 31 - 1);
const seconds = toNumber('seconds', isSmoke ? 6 : 60, 3600);
const ratePerS = toNumber('rate', isSmoke ? 4000 : 31_000, 200_000);
const redisRatePerS = toNumber('redis-rate', isSmoke ? 2500 : 12_000, 200_000);
const faultSeconds = isSmoke ? 4 : 9;

const MAIN: readonly Pick<RunOptions, 'name' | 'what' | 'store' | 'ratePerS' | 'pipelining' | 'windowS'>[] = [
  { name: 'embedded', what: 'Windows in memory, over HTTP', store: 'memory', ratePerS, pipelining: 16, windowS: 2 },
  { name: 'redis', what: 'Windows in Redis, over HTTP', store: 'redis', ratePerS: redisRatePerS, pipelining: 16, windowS: 2 },
];
const main = MAIN.map((run): RunOptions => ({ ...run, nodes: 1, seconds, seed, expected: 'exact', isStrict: true }));
const faults = FAULTS.filter(({ isInSmoke }) => !isSmoke || isInSmoke === true).map((fault): RunOptions => ({
  ...fault,
  ratePerS: 1000,
  seconds: faultSeconds,
  windowS: 1,
  seed,
  pipelining: 1,
  isStrict: false,
}));
const STORE_RUN = 'store';
const names = [...main, ...faults].map(({ name }) => name);
if (only !== undefined && only !== STORE_RUN && !names.includes(only))
  throw new Error(`no run is named "${only}"; there are ${[...names, STORE_RUN].join(', ')}`);
const isChosen = (name: string): boolean => only === undefined || only === name;

const startMs = performance.now();
console.log(`seed ${seed}`);
// The smoke run stands among tests that build, and a build replaces the folder.
if (!isSmoke) useBuiltSidecar();
const calibration = calibrate();
const results: RunResult[] = [];
let store: StoreResult | undefined;
mkdirSync(output, { recursive: true });
for (const options of [...main, ...faults]) {
  if (!isChosen(options.name)) continue;
  const result = await runOnce(options);
  results.push(result);
  const { accuracy, certain, failures, reachedPerS } = result;
  const judged =
    accuracy === undefined
      ? ''
      : `FN ${accuracy.falseNegatives} of ${accuracy.over}, FP ${accuracy.falsePositives} of ${accuracy.notOver}, most over ${accuracy.mostOver}; `;
  const certainly = certain === undefined ? '' : `certain ${certain.overAdmissions} / ${certain.falseDenials}; `;
  console.log(`${failures.length === 0 ? 'ok  ' : 'FAIL'} ${options.name}: ${reachedPerS}/s, ${judged}${certainly}${failures.join('; ')}`);
  // Written as they come, so that an interrupted run keeps what it found.
  write();
}
if (!isSmoke && isChosen(STORE_RUN)) {
  store = await runStore(seconds, 2, seed);
  console.log(`store without HTTP: ${store.decisionsPerS}/s, FN ${store.accuracy.falseNegatives}, FP ${store.accuracy.falsePositives}`);
}
const report = write();
console.log(`${report.runs.length} runs in ${Math.round(report.seconds)} s: ${join(output, 'report.html')}`);
if (report.failures.length > 0) process.exitCode = 1;

function write(): Report {
  const failures = results.flatMap(({ name, failures: each }) => each.map((failure) => `${name}: ${failure}`));
  if (store !== undefined && store.accuracy.falseNegatives + store.accuracy.falsePositives > 0)
    failures.push('store: decisions were wrong');
  const made: Report = {
    format: 'post-incident-proofs/chaos/1',
    at: new Date().toISOString(),
    command: ['npm run chaos --', ...process.argv.slice(2)].join(' '),
    seconds: (performance.now() - startMs) / 1000,
    calibration,
    definitions: DEFINITIONS,
    runs: results,
    store,
    failures,
  };
  writeFileSync(join(output, 'report.json'), `${JSON.stringify(made, undefined, 1)}\n`);
  writeFileSync(join(output, 'report.html'), toHtml(made));
  return made;
}
