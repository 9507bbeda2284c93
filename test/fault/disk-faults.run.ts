/**
 * `node test/fault/disk-faults.run.ts [--only TEXT] [--write]`: every fault at every write site of the ledger. Ends with 1 when a promise
 * was broken; --write puts the results into docs/fault-table.md.
 */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { format, resolveConfig } from 'prettier';
import { tempDir } from '../support/temp-dir.ts';
import { runFaultCase, type FaultOutcome } from './fault-case.ts';
import { faultsFor } from './fault-plan.ts';
import { findSites, type FaultSite } from './fault-sites.ts';
import { faultTable, outcomeLine } from './fault-table.ts';
import { makeScenarios } from './scenarios.ts';

const TABLE = fileURLToPath(new URL('../../docs/fault-table.md', import.meta.url));
/** Cases wait for processes most of the time. */
const SIDE_BY_SIDE = 3;

const { values } = parseArgs({ options: { only: { type: 'string', default: '' }, write: { type: 'boolean', default: false } } });
using directory = tempDir();
const scenarios = await makeScenarios(directory.path);
const cases: { site: FaultSite; fault: FaultOutcome['fault'] }[] = [];
for (const scenario of scenarios) {
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
if (values.write) writeFileSync(TABLE, await format(faultTable(outcomes), { ...(await resolveConfig(TABLE)), filepath: TABLE }));
process.exitCode = broken.length === 0 ? 0 : 1;
