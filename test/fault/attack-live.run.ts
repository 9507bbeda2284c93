/**
 * `node test/fault/attack-live.run.ts [--runs 20] [--only NAME] [--state NAME] [--bytes 200] [--immutable] [--wait-idle] [--results FILE]`:
 * every attack against a running sidecar, and how long until it says so. Ends with 1 when an attack was missed or found late. The single
 * runs are kept in docs/attacks-live.jsonl: a call measures what has fewer runs there, and then makes docs/attacks.md from it (another
 * results file leaves both alone). --wait-idle lets other work on the machine go first.
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { format, resolveConfig } from 'prettier';
import type { Attack } from '../../src/attack/attack.ts';
import { STALL_MS_MAX } from '../../src/attack/live/live-run.ts';
import { useBuiltSidecar } from '../support/sidecar.ts';
import { tempDir } from '../support/temp-dir.ts';
import { LiveBench } from './attack-live.ts';
import { LIVE_RESULTS, readLiveResults, writeLiveResults } from './attack-live-results.ts';
import { attacksIn, LIVE_STATES, makeTemplate, type LiveStateName } from './attack-live-states.ts';
import { waitUntilIdle } from './wait-until-idle.ts';
import { attacksMarkdown, DISTURBED_SHARE_MAX, faultsOf, liveCell, type LiveResult } from './attack-table.ts';

const DOCS = fileURLToPath(new URL('../../docs/attacks.md', import.meta.url));
const RUNS_OTHER_MAX = 5;
/** What else stands in a line of the ledger, beside the padding. */
const EVENT_REST_BYTES = 60;

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '20' },
    only: { type: 'string', default: '' },
    state: { type: 'string', default: '' },
    bytes: { type: 'string', default: '200' },
    immutable: { type: 'boolean', default: false },
    'wait-idle': { type: 'boolean', default: false },
    results: { type: 'string', default: LIVE_RESULTS },
  },
});

const results = readLiveResults(values.results);
const count = Number(values.runs);
const eventBytes = Number(values.bytes);
/** Attacks that are exempt and controls are waited for until nothing more can come: seconds each, and their latency is no promise. */
const runsOf = ({ live }: Attack): number => (live === 'detected' ? count : Math.min(count, RUNS_OTHER_MAX));
const indexOf = (attack: Attack, state: LiveStateName): number =>
  results.findIndex((result) => result.attack === attack && result.state === state && result.eventBytes === eventBytes);

// Ends the sidecars too.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));
useBuiltSidecar();
using directory = tempDir();
await using bench = new LiveBench(directory.path);
await bench.warm();
for (const state of LIVE_STATES.filter((name) => name.includes(values.state))) {
  const hasRuns = (attack: Attack): boolean => (results[indexOf(attack, state)]?.runs.length ?? 0) >= runsOf(attack);
  const isFlagWanted = (attack: Attack): boolean =>
    values.immutable && state === 'sealed' && attack.live === 'detected' && results[indexOf(attack, state)]?.immutable === undefined;
  const chosen = attacksIn(state).filter((attack) => attack.name.includes(values.only) && (!hasRuns(attack) || isFlagWanted(attack)));
  if (chosen.length === 0) continue;
  const folder = join(directory.path, 'template');
  mkdirSync(folder);
  const template = await makeTemplate(state, folder, Math.max(0, eventBytes - EVENT_REST_BYTES));
  for (const attack of chosen) {
    if (values['wait-idle']) await waitUntilIdle();
    const known = indexOf(attack, state);
    const runs = hasRuns(attack) ? results[known].runs : await bench.run(attack, template, {}, runsOf(attack));
    const [immutable] = isFlagWanted(attack) ? await bench.run(attack, template, { isImmutable: true }, 1) : [results[known]?.immutable];
    const result: LiveResult = { attack, state, eventBytes, runs, immutable };
    results.splice(known === -1 ? results.length : known, 1, result);
    writeLiveResults(values.results, results);
    const why = runs.find(({ latencyMs }) => latencyMs === undefined);
    console.log(`${state.padEnd(14)} ${attack.name.padEnd(24)} ${liveCell(result)}${why === undefined ? '' : `  ${JSON.stringify(why)}`}`);
  }
  rmSync(folder, { recursive: true, force: true });
}

const runs = results.flatMap((result) => result.runs);
const disturbed = runs.filter(({ stallMs }) => stallMs > STALL_MS_MAX).length;
const faults = results.flatMap(faultsOf);
if (disturbed > runs.length * DISTURBED_SHARE_MAX)
  faults.push(`${disturbed} of ${runs.length} runs were disturbed: this machine is too busy`);
console.log(`${runs.length} runs, ${disturbed} disturbed, ${faults.length} faults`);
for (const fault of faults) console.log(fault);
if (values.results === LIVE_RESULTS)
  writeFileSync(DOCS, await format(attacksMarkdown(readLiveResults(LIVE_RESULTS)), { ...(await resolveConfig(DOCS)), filepath: DOCS }));
process.exitCode = faults.length === 0 ? 0 : 1;
