/**
 * `node test/fault/attack-live.run.ts [--runs 20] [--only NAME] [--state NAME] [--bytes 200] [--immutable] [--wait-idle] [--results FILE] [--write]`: every attack against a running
 * sidecar, and how long until it says so. Ends with 1 when an attack was missed or found late. --results keeps the runs in a file
 * and goes on where an earlier call stopped; --wait-idle lets other work on the machine go first; --write puts them into docs/attacks.md.
 */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { format, resolveConfig } from 'prettier';
import type { Attack } from '../../src/attack/attack.ts';
import { CATALOGUE, findAttack } from '../../src/attack/catalogue.ts';
import { tempDir } from '../support/temp-dir.ts';
import { LiveBench, type LiveRun } from './attack-live.ts';
import { LIVE_STATES, makeTemplate, type LiveStateName } from './attack-live-states.ts';
import { waitUntilIdle } from './wait-until-idle.ts';
import { attacksMarkdown, DISTURBED_SHARE_MAX, faultsOf, liveCell, STALL_MS_MAX, type LiveResult } from './attack-table.ts';

const DOCS = fileURLToPath(new URL('../../docs/attacks.md', import.meta.url));
/** A detection that takes longer is reported as missed. */
const WAIT_MS = 2000;
/** For what is exempt from 200 ms and found by the scrub cycle at the latest; that it was not seen at all is an answer too. */
const WAIT_EXEMPT_MS = 3000;
/** A sidecar that was stopped or killed says nothing, however long one waits. */
const WAIT_SILENT_MS = 300;
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
    results: { type: 'string' },
    write: { type: 'boolean', default: false },
  },
});

interface Kept {
  readonly attack: string;
  readonly state: LiveStateName;
  readonly eventBytes: number;
  readonly runs: readonly LiveRun[];
  readonly immutable?: LiveRun;
}

function readKept(): LiveResult[] {
  if (values.results === undefined || !existsSync(values.results)) return [];
  return readFileSync(values.results, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Kept)
    .flatMap(({ attack, ...rest }) => {
      const known = findAttack(attack);
      return known === undefined ? [] : [{ attack: known, ...rest }];
    });
}

function keep({ attack, ...rest }: LiveResult): void {
  if (values.results !== undefined) writeFileSync(values.results, `${JSON.stringify({ attack: attack.name, ...rest })}\n`, { flag: 'a' });
}

const eventBytes = Number(values.bytes);
const results = readKept();
const isDone = (attack: Attack, state: LiveStateName): boolean =>
  results.some((result) => result.attack === attack && result.state === state && result.eventBytes === eventBytes);

using directory = tempDir();
await using bench = new LiveBench(directory.path);
for (const state of LIVE_STATES.filter((name) => name.includes(values.state))) {
  const isShort = state === 'active' || state === 'during append';
  const chosen = CATALOGUE.filter(({ name, needs }) => {
    const isPossible = !isShort || !needs.some((need) => need === 'segments' || need === 'three-segments' || need === 'index');
    return isPossible && !needs.includes('archive') && name.includes(values.only);
  }).filter((attack) => !isDone(attack, state));
  if (chosen.length === 0) continue;
  const folder = join(directory.path, 'template');
  mkdirSync(folder);
  const template = await makeTemplate(state, folder, Math.max(0, eventBytes - EVENT_REST_BYTES));
  for (const attack of chosen) {
    const waitMs = attack.needs.includes('sidecar') ? WAIT_SILENT_MS : typeof attack.live === 'object' ? WAIT_EXEMPT_MS : WAIT_MS;
    if (values['wait-idle']) await waitUntilIdle();
    const runs = await bench.run(attack, template, { waitMs }, Number(values.runs));
    const immutable =
      values.immutable && state === 'sealed' ? (await bench.run(attack, template, { waitMs, isImmutable: true }, 1))[0] : undefined;
    const result: LiveResult = { attack, state, eventBytes, runs, immutable };
    results.push(result);
    keep(result);
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
if (values.write) writeFileSync(DOCS, await format(attacksMarkdown(results), { ...(await resolveConfig(DOCS)), filepath: DOCS }));
process.exitCode = faults.length === 0 ? 0 : 1;
