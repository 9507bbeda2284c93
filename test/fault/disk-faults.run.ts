/**
 * `node test/fault/disk-faults.run.ts [--scenario NAME]… [--only TEXT] [--write]`: every fault at every write site of the ledger. Ends with 1
 * when a promise was broken; --write puts the results of the scenarios that ran whole into docs/fault-table.md and leaves the others there.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { format, resolveConfig } from 'prettier';
import { useBuiltSidecar } from '../support/sidecar.ts';
import { tempDir } from '../support/temp-dir.ts';
import { runFaultCase, type FaultOutcome } from './fault-case.ts';
import { faultsFor } from './fault-plan.ts';
import { findSites, type FaultSite } from './fault-sites.ts';
import { faultTable, outcomeLine } from './fault-table.ts';
import { makeScenarios, SCENARIO_NAMES } from './scenarios.ts';

const TABLE = fileURLToPath(new URL('../../docs/fault-table.md', import.meta.url));
/** Cases wait for processes most of the time. */
const SIDE_BY_SIDE = 3;

const { values } = parseArgs({
  options: {
    scenario: { type: 'string', multiple: true, default: [...SCENARIO_NAMES] },
    only: { type: 'string', default: '' },
    write: { type: 'boolean', default: false },
  },
});
const names = SCENARIO_NAMES.filter((name) => values.scenario.includes(name));
const unknown = values.scenario.filter((given) => !names.some((name) => name === given));
if (unknown.length > 0) throw new Error(`no scenario "${unknown.join(', ')}"; there are ${SCENARIO_NAMES.join(', ')}`);
if (values.write && values.only !== '') throw new Error('--write takes whole scenarios: it does not go with --only');

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));
useBuiltSidecar();
using directory = tempDir();
const cases: { site: FaultSite; fault: FaultOutcome['fault'] }[] = [];
for (const scenario of await makeScenarios(directory.path, names)) {
  for (const site of await findSites(scenario, directory.path)) for (const fault of faultsFor(site)) cases.push({ site, fault });
}
const chosen = cases.filter(({ site, fault }) =>
  `${site.scenario.name} ${site.phase} ${site.call} ${site.file} ${site.nth} ${fault}`.includes(values.only),
);
console.log(`${chosen.length} cases`);
const outcomes: FaultOutcome[] = [];
let next = 0;
async function work(): Promise<void> {
  while (next < chosen.length) {
    const index = next++;
    const { site, fault } = chosen[index];
    outcomes[index] = await runFaultCase(site, fault, directory.path);
    console.log(`${index + 1} ${outcomeLine(outcomes[index])}`);
  }
}
await Promise.all(Array.from({ length: SIDE_BY_SIDE }, work));
const broken = outcomes.filter(({ wrong }) => wrong.length > 0);
console.log(`${outcomes.length} cases, ${broken.length} with broken promises`);
for (const outcome of broken) console.log(outcomeLine(outcome));
if (values.write) {
  const table = faultTable(outcomes, readFileSync(TABLE, 'utf8'));
  writeFileSync(TABLE, await format(table, { ...(await resolveConfig(TABLE)), filepath: TABLE }));
}
process.exitCode = broken.length === 0 ? 0 : 1;
