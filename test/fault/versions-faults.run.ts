/**
 * `node test/fault/versions-faults.run.ts [--scenario NAME]… [--only TEXT] [--write]`: every fault at every write site of the store of versions.
 * Ends with 1 when a promise was broken; --write puts the results into their section of docs/fault-table.md.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { format, resolveConfig } from 'prettier';
import { tempDir } from '../support/temp-dir.ts';
import { findVersionSites, runVersionCase, versionFaultsFor, type VersionOutcome } from './versions-case.ts';
import { VERSION_SCENARIOS } from './versions-scenarios.ts';
import { versionOutcomeLine, withVersionTable } from './versions-table.ts';

const TABLE = fileURLToPath(new URL('../../docs/fault-table.md', import.meta.url));
/** Cases wait for processes and for the disk most of the time. */
const SIDE_BY_SIDE = 2;

const { values } = parseArgs({
  options: {
    scenario: { type: 'string', multiple: true, default: VERSION_SCENARIOS.map(({ name }) => name) },
    only: { type: 'string', default: '' },
    write: { type: 'boolean', default: false },
  },
});
const scenarios = VERSION_SCENARIOS.filter(({ name }) => values.scenario.includes(name));
if (values.write && (values.only !== '' || scenarios.length < VERSION_SCENARIOS.length)) throw new Error('--write takes all scenarios');

const startMs = performance.now();
using directory = tempDir();
const cases: (() => Promise<VersionOutcome>)[] = [];
for (const scenario of scenarios)
  for (const site of await findVersionSites(scenario, directory.path))
    for (const fault of versionFaultsFor(site))
      if (`${scenario.name} ${site.phase} ${site.call} ${site.file} ${site.nth} ${fault}`.includes(values.only))
        cases.push(() => runVersionCase(site, fault));
console.log(`${cases.length} cases`);
const outcomes: VersionOutcome[] = [];
let next = 0;
async function work(): Promise<void> {
  while (next < cases.length) {
    const index = next++;
    outcomes[index] = await cases[index]();
    console.log(`${index + 1} ${versionOutcomeLine(outcomes[index])}`);
  }
}
await Promise.all(Array.from({ length: SIDE_BY_SIDE }, work));
const broken = outcomes.filter(({ wrong }) => wrong.length > 0);
const seconds = Math.round((performance.now() - startMs) / 1000);
console.log(`${outcomes.length} cases in ${seconds} s, ${broken.length} with broken promises`);
for (const outcome of broken) console.log(versionOutcomeLine(outcome));
if (values.write) {
  const table = withVersionTable(readFileSync(TABLE, 'utf8'), outcomes, seconds);
  writeFileSync(TABLE, await format(table, { ...(await resolveConfig(TABLE)), filepath: TABLE }));
}
process.exitCode = broken.length === 0 ? 0 : 1;
