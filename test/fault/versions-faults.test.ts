import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { testSeed } from '../support/seed.ts';
import { tempDir } from '../support/temp-dir.ts';
import { seededRandom } from './producer.ts';
import {
  findVersionSites,
  runVersionCase,
  versionFaultsFor,
  type VersionFault,
  type VersionOutcome,
  type VersionSite,
} from './versions-case.ts';
import { scenarioOf } from './versions-scenarios.ts';
import { versionOutcomeLine } from './versions-table.ts';

/** The whole table is `node test/fault/versions-faults.run.ts`; here are the cases whose outcome is special, and a sample of the others. */
const SCENARIOS = ['first-put', 'put-splice', 'retention', 'start-unsettled'];
const SAMPLED = 10;
const PREPARE_MS_MAX = 120_000;

const directory = tempDir();
const sites: VersionSite[] = [];

beforeAll(async () => {
  for (const name of SCENARIOS) sites.push(...(await findVersionSites(scenarioOf(name), directory.path)));
}, PREPARE_MS_MAX);
afterAll(() => directory[Symbol.dispose]());

interface Place {
  readonly scenario: string;
  readonly call: string;
  readonly file: RegExp;
  readonly nth?: number;
}

async function inject({ scenario, call, file, nth = 1 }: Place, fault: VersionFault, isLasting = false): Promise<VersionOutcome> {
  const site = sites.find((each) => each.scenario.name === scenario && each.call === call && file.test(each.file) && each.nth === nth);
  if (site === undefined) throw new Error(`"${scenario}" has no ${call} of ${String(file)}`);
  const outcome = await runVersionCase(site, fault, isLasting);
  expect(outcome.wrong, versionOutcomeLine(outcome)).toEqual([]);
  return outcome;
}

const INDEX = /names\/a\/index$/;
const HEAD = /names\/a\/head\.tmp$/;
const PENDING = /names\/a\/pending$/;
const FOLDER = /names\/a$/;
const LEDGER = /^audit\.jsonl$/;
const PUT = 'put-splice';

describe('a version that is put', () => {
  it.each<[string, Place, VersionFault, string, VersionOutcome['head']]>([
    ['is refused where its line finds no space', { scenario: PUT, call: 'pwrite64', file: INDEX }, 'ENOSPC', 'disk-full', 'old'],
    ['is refused where its head cannot be made durable', { scenario: PUT, call: 'fdatasync', file: HEAD }, 'EIO', 'version-io', 'old'],
    ['is refused where its head cannot take its place', { scenario: PUT, call: 'rename', file: HEAD }, 'EIO', 'version-io', 'old'],
    ['is done where its head is durable at the second try', { scenario: PUT, call: 'fsync', file: FOLDER, nth: 2 }, 'EIO', 'done', 'new'],
    [
      'is done, and says so, where the ledger takes no end',
      { scenario: PUT, call: 'write', file: LEDGER, nth: 2 },
      'ENOSPC',
      'version-io',
      'new',
    ],
    ['is done where what was under way cannot be removed', { scenario: PUT, call: 'unlink', file: PENDING }, 'EIO', 'done', 'new'],
    [
      'is done where what retention frees cannot be removed',
      { scenario: 'retention', call: 'unlink', file: /objects/ },
      'EIO',
      'done',
      'new',
    ],
    ['is not there when a kill comes before its head', { scenario: 'first-put', call: 'rename', file: HEAD }, 'KILL', 'no answer', 'old'],
    ['is there when a kill comes behind its head', { scenario: PUT, call: 'fsync', file: FOLDER, nth: 2 }, 'KILL', 'no answer', 'new'],
    [
      'is there when a kill comes before its end is in the ledger',
      { scenario: PUT, call: 'write', file: LEDGER, nth: 2 },
      'KILL',
      'no answer',
      'new',
    ],
  ])('%s', async (_, place, fault, answer, head) => {
    const outcome = await inject(place, fault);
    expect([outcome.answers[0], outcome.head]).toEqual([answer, head]);
  });
});

describe('a disk that goes on failing under versions', () => {
  it.each<[string, Place, readonly string[], VersionOutcome['head']]>([
    [
      'leaves a new head that it does not confirm',
      { scenario: PUT, call: 'fsync', file: FOLDER, nth: 2 },
      ['version-io', 'version-io'],
      'new',
    ],
    ['lets nothing begin behind what it does not let go', { scenario: PUT, call: 'unlink', file: PENDING }, ['done', 'version-io'], 'new'],
    ['takes no line back before there is one', { scenario: PUT, call: 'pwrite64', file: INDEX }, ['version-io', 'version-io'], 'old'],
    [
      'takes no change that its ledger does not take',
      { scenario: PUT, call: 'write', file: LEDGER, nth: 2 },
      ['version-io', 'version-io'],
      'new',
    ],
  ])('%s', async (_, place, answers, head) => {
    const outcome = await inject(place, 'EIO', true);
    expect([outcome.answers, outcome.head]).toEqual([answers, head]);
  });
});

it('a start that cannot clean up after versions goes on, and the next one does', async () => {
  for (const file of [PENDING, /objects\//]) {
    const { answers, exitCode } = await inject({ scenario: 'start-unsettled', call: 'unlink', file }, 'EIO');
    expect([answers, exitCode]).toEqual([['done'], 0]);
  }
});

it('any other fault leaves one of two versions, and everything acknowledged', { timeout: SAMPLED * 30_000 }, async () => {
  const random = seededRandom(testSeed());
  const cases = sites.flatMap((site) => versionFaultsFor(site).map((fault) => ({ site, fault })));
  for (let i = 0; i < SAMPLED; i++) {
    const [{ site, fault }] = cases.splice(Math.floor(random() * cases.length), 1);
    const outcome = await runVersionCase(site, fault);
    expect(outcome.wrong, versionOutcomeLine(outcome)).toEqual([]);
  }
});
