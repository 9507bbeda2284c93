import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { testSeed } from '../support/seed.ts';
import { tempDir } from '../support/temp-dir.ts';
import { runFaultCase, type Fault, type FaultOutcome } from './fault-case.ts';
import { faultsFor } from './fault-plan.ts';
import { findSites, type FaultSite } from './fault-sites.ts';
import { seededRandom } from './producer.ts';
import { makeScenarios, type ScenarioName } from './scenarios.ts';

/** The whole table is `node test/fault/disk-faults.run.ts`; here are the cases whose outcome is specified, and a sample of kills. */
/** Twenty sidecars and a ledger of 200,000 entries, on a machine that is busy with other tests. */
const PREPARE_MS_MAX = 300_000;
const CASE_MS_MAX = 60_000;
const SAMPLED_KILLS = 8;

const directory = tempDir();
const sites: FaultSite[] = [];

beforeAll(async () => {
  for (const scenario of await makeScenarios(directory.path)) sites.push(...(await findSites(scenario, directory.path)));
}, PREPARE_MS_MAX);
afterAll(() => directory[Symbol.dispose]());

interface Place {
  readonly scenario: ScenarioName;
  readonly call: string;
  readonly file: RegExp;
  readonly phase: FaultSite['phase'];
  /** The last of its kind instead of the first. */
  readonly isLast?: boolean;
}

/** Every case ends with the same promises; what else is expected is up to the caller. */
async function inject(place: Place, fault: Fault): Promise<FaultOutcome> {
  const fitting = sites.filter(
    (site) => site.scenario.name === place.scenario && site.call === place.call && place.file.test(site.file) && site.phase === place.phase,
  );
  const site = place.isLast === true ? fitting.at(-1) : fitting[0];
  if (site === undefined)
    throw new Error(`no ${place.call} of ${String(place.file)} while ${place.scenario} is in its ${place.phase} phase`);
  const outcome = await runFaultCase(site, fault, directory.path);
  expect(outcome.wrong).toEqual([]);
  return outcome;
}

const SEGMENT = /segments\/\d{20}\.seg$/;
const SECOND_SEGMENT = /segments\/\d*[1-9]\d*\.seg$/;
const FIRST_COMMIT = { scenario: 'append', phase: 'commit' } as const;
const ROTATION = { scenario: 'rotate', phase: 'commit' } as const;
const EPOCH_END = { scenario: 'seal', phase: 'seal' } as const;
const CHECKPOINT = /ledger\/checkpoint\.tmp$/;
const LOCK = /^anchors\/[0-9a-f]{32}\.checkpoint\.tmp$/;
const NEXT_KEY = /keys\/epoch\.key\.tmp$/;

describe('no space', { timeout: CASE_MS_MAX }, () => {
  it.each([
    ['for entries', { ...FIRST_COMMIT, call: 'pwrite64', file: SEGMENT }],
    ['for a new segment', { ...ROTATION, call: 'openat', file: SECOND_SEGMENT }],
    ["for a new segment's entries", { ...ROTATION, call: 'pwrite64', file: SECOND_SEGMENT }],
    ["for a new segment's name", { ...ROTATION, call: 'fsync', file: /segments$/ }],
  ])('%s is 507 with nothing stored, and the next request lands', async (_, place: Place) => {
    const { answers, exitCode } = await inject(place, 'ENOSPC');
    expect([answers, exitCode]).toEqual([['507', '201'], 0]);
  });

  it.each(['openat', 'pwrite64', 'rename'])(
    'for the checkpoint at its %s does not hold up what is durable, and readiness says so',
    async (call) => {
      const { answers, exitCode, readiness } = await inject({ ...FIRST_COMMIT, call, file: CHECKPOINT, isLast: true }, 'ENOSPC');
      expect([answers, exitCode]).toEqual([['201', '201'], 0]);
      expect(readiness).toMatch(/^degraded: the published checkpoint is older/);
    },
  );

  it.each([
    ['the seal', { ...EPOCH_END, call: 'pwrite64', file: SEGMENT }],
    ["the next epoch's key file", { ...EPOCH_END, call: 'openat', file: NEXT_KEY }],
    ["the next epoch's key", { ...EPOCH_END, call: 'pwrite64', file: NEXT_KEY }],
    ['its sync', { ...EPOCH_END, call: 'fsync', file: NEXT_KEY }],
    ['its name', { ...EPOCH_END, call: 'rename', file: NEXT_KEY }],
  ])('for %s at the end of an epoch refuses nobody: the end waits for space', async (_, place: Place) => {
    const { answers, exitCode } = await inject(place, 'ENOSPC');
    expect([answers, exitCode]).toEqual([['201', '201'], 0]);
  });
});

describe('the checkpoint lock', { timeout: CASE_MS_MAX }, () => {
  it.each([
    ['a write to it fails', { ...FIRST_COMMIT, call: 'write', file: LOCK }, 'EIO'],
    ['its disk is full', { ...FIRST_COMMIT, call: 'openat', file: LOCK }, 'ENOSPC'],
    ['its new note cannot take its place', { ...FIRST_COMMIT, call: 'rename', file: LOCK }, 'EIO'],
    ['its folder cannot be made', { scenario: 'lock', phase: 'start', call: 'mkdir', file: /^anchors$/ }, 'ENOSPC'],
    ['its note cannot be made durable', { scenario: 'lock', phase: 'stop', call: 'fsync', file: /durable\.tmp$/ }, 'EIO'],
  ] satisfies [string, Place, Fault][])('holds up no commit when %s', async (_, place: Place, fault: Fault) => {
    const { answers } = await inject(place, fault);
    expect(answers).toEqual(['201', '201']);
  });

  it('that claims a swap it did not make ends the process as forked: two histories must not go on', async () => {
    expect((await inject({ ...FIRST_COMMIT, call: 'rename', file: LOCK }, 'LOST')).exitCode).toBe(32);
  });
});

describe('a failing disk', { timeout: CASE_MS_MAX }, () => {
  it.each([
    ['write of entries', { ...FIRST_COMMIT, call: 'pwrite64', file: SEGMENT }],
    ['sync of entries', { ...FIRST_COMMIT, call: 'fdatasync', file: SEGMENT }],
    ['rename of the checkpoint', { ...FIRST_COMMIT, call: 'rename', file: CHECKPOINT }],
    ['write of the watermark', { ...FIRST_COMMIT, call: 'pwrite64', file: /watermark$/ }],
    ["write of a new segment's entries", { ...ROTATION, call: 'pwrite64', file: SECOND_SEGMENT }],
    ["sync of a new segment's name", { ...ROTATION, call: 'fsync', file: /segments$/ }],
    ['sync of the seal', { ...EPOCH_END, call: 'fdatasync', file: SEGMENT }],
    ["sync of the next epoch's key", { ...EPOCH_END, call: 'fsync', file: NEXT_KEY }],
    ["rename of the next epoch's key", { ...EPOCH_END, call: 'rename', file: NEXT_KEY }],
  ])('at the %s ends the process with 70 and acknowledges nothing more', async (_, place: Place) => {
    const { answers, exitCode } = await inject(place, 'EIO');
    // The request before the end of an epoch has its answer already.
    expect(answers.slice(place.scenario === 'seal' ? 1 : 0)).not.toContain('201');
    expect(exitCode).toBe(70);
  });

  it('that loses a watermark slot loses no acknowledged request', async () => {
    const { answers } = await inject({ ...FIRST_COMMIT, call: 'pwrite64', file: /watermark$/, isLast: true }, 'LOST');
    expect(answers).toEqual(['201', '201']);
  });
});

describe('a kill', { timeout: CASE_MS_MAX }, () => {
  it.each([
    ['half-made root key', { scenario: 'create', phase: 'create', call: 'pwrite64', file: /verification\.key/ }],
    ['half-made epoch key', { scenario: 'create', phase: 'create', call: 'pwrite64', file: /epoch\.key/ }],
    ['half-made signing key', { scenario: 'create', phase: 'create', call: 'pwrite64', file: /log\.key/ }],
    ['ledger that is not in its place yet', { scenario: 'create', phase: 'create', call: 'rename', file: /ledger\.new$/ }],
    ['torn tail that is kept but not cut', { scenario: 'recover', phase: 'start', call: 'ftruncate', file: SEGMENT }],
    ['torn segment that is kept but not removed', { scenario: 'recover-rotation', phase: 'start', call: 'unlink', file: SECOND_SEGMENT }],
    ['seal without the watermark of the next epoch', { ...EPOCH_END, call: 'pwrite64', file: /watermark$/ }],
    ["seal without the next epoch's key", { ...EPOCH_END, call: 'rename', file: NEXT_KEY }],
    ["next epoch's key without its second watermark slot", { ...EPOCH_END, call: 'pwrite64', file: /watermark$/, isLast: true }],
    [
      'segment that retention has not removed yet',
      { scenario: 'prune', phase: 'pruning', call: 'unlink', file: SECOND_SEGMENT, isLast: true },
    ],
    ["segment's index on its way to the pruned", { scenario: 'prune', phase: 'pruning', call: 'rename', file: /index\/\d{20}\.idx$/ }],
    ["rotation's root key without its epoch key's leaf", { scenario: 'rotate-keys', phase: 'rotation', call: 'pwrite64', file: SEGMENT }],
    [
      'rotation whose root key has not taken its place',
      { scenario: 'rotate-keys', phase: 'rotation', call: 'rename', file: /verification\.key\.next$/ },
    ],
    ['half-made successor of a key that is one epoch behind', { scenario: 'recover-seal', phase: 'start', call: 'fsync', file: NEXT_KEY }],
  ] satisfies [string, Place][])('that leaves a %s does not keep the next start from its work', async (_, place: Place) => {
    expect((await inject(place, 'KILL')).exitCode).toBe(137);
  });

  it('at any other call keeps every promise too', { timeout: SAMPLED_KILLS * CASE_MS_MAX }, async () => {
    const random = seededRandom(testSeed());
    const killable = sites.filter((site) => faultsFor(site).includes('KILL'));
    for (let i = 0; i < SAMPLED_KILLS; i++) {
      const [site] = killable.splice(Math.floor(random() * killable.length), 1);
      const { wrong, exitCode } = await runFaultCase(site, 'KILL', directory.path);
      expect({ call: `${site.scenario.name} ${site.call} ${site.file} #${site.nth}`, wrong, exitCode }).toMatchObject({
        wrong: [],
        exitCode: 137,
      });
    }
  });
});
