import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { tempDir } from '../support/temp-dir.ts';
import type { CaseFolder } from './case-folder.ts';
import { makeScenarios, newSteps, type ScenarioName } from './scenarios.ts';
import { isSealFrame, isSegmentWrite, type Trace, type TracedCall } from './syscall-trace.ts';
import { runTraced } from './traced-run.ts';

/** What a power cut would leave cannot be seen on a running machine, so the order of the calls is checked instead. */
const directory = tempDir();
afterAll(() => directory[Symbol.dispose]());

async function traceScenario(name: ScenarioName): Promise<Trace & { folder: CaseFolder }> {
  const below = join(directory.path, name);
  mkdirSync(below);
  const [scenario] = await makeScenarios(below, [name]);
  const folder = scenario.template.copyTo(join(below, 'traced'));
  const run = await runTraced(folder, { steps: newSteps(scenario), env: scenario.env, inject: [], isKilling: false });
  expect(run.exitCode, run.stderr).toBe(0);
  return { ...run, folder };
}

/** The lock file and the watch's canary are made again when they are gone. */
const MEANINGLESS = /\.lock$|\.watch-canary$/;

const isSync = (call: TracedCall): boolean => call.name === 'fsync' || call.name === 'fdatasync';

it('makes requests that a killed process left above the watermark durable before a new watermark counts them', async () => {
  const { calls } = await traceScenario('recover');
  const counted = calls.findIndex(({ name, path }) => name === 'pwrite64' && path.endsWith('/watermark'));
  const written = calls.findIndex(({ name, path }) => name === 'pwrite64' && path.endsWith('.seg'));
  const synced = calls.findIndex((call, index) => index > written && isSync(call) && call.path.endsWith('.seg'));
  expect(counted).toBeGreaterThan(0);
  expect(written).toBeGreaterThanOrEqual(0);
  expect(synced).toBeGreaterThan(written);
  expect(synced).toBeLessThan(counted);
});

it('makes every name of a new ledger durable before it takes requests', async () => {
  const trace = await traceScenario('create');
  const { folder } = trace;
  const calls = trace.calls.slice(0, trace.callsToListening);
  const names = calls.filter(
    ({ name, args, path }) => path.startsWith(folder.dataDir) && (name === 'mkdir' || (name === 'openat' && args.includes('O_CREAT'))),
  );
  const unsynced = names.filter(({ path }) => {
    const made = calls.findLastIndex((call) => call.path === path && (call.name === 'mkdir' || call.args.includes('O_CREAT')));
    return !MEANINGLESS.test(path) && !calls.some((call, index) => index > made && call.name === 'fsync' && call.path === join(path, '..'));
  });
  expect(unsynced.map(({ path }) => path)).toEqual([]);
  const files = names.filter(({ name, path }) => name === 'openat' && !MEANINGLESS.test(path));
  expect(files.length).toBeGreaterThan(5);
  for (const { path } of files)
    expect(
      calls.some((call) => isSync(call) && call.path === path),
      `"${path}" is synced`,
    ).toBe(true);
});

it('ends an epoch in the order seal, checkpoint, watermark, next key, second watermark slot, each durable before the next', async () => {
  const { calls, callsToListening, callsToStop } = await traceScenario('seal');
  const running = calls.slice(callsToListening, callsToStop);
  const sealed = running.findIndex((call) => isSegmentWrite(call) && isSealFrame(call));
  const steps = [
    (call: TracedCall) => isSync(call) && call.path.endsWith('.seg'),
    (call: TracedCall) => call.name === 'rename' && call.path.endsWith('/ledger/checkpoint.tmp'),
    (call: TracedCall) => call.name === 'pwrite64' && call.path.endsWith('/watermark'),
    (call: TracedCall) => isSync(call) && call.path.endsWith('/watermark'),
    (call: TracedCall) => isSync(call) && call.path.endsWith('/epoch.key.tmp'),
    (call: TracedCall) => call.name === 'rename' && call.path.endsWith('/epoch.key.tmp'),
    (call: TracedCall) => isSync(call) && call.path.endsWith('/keys'),
    (call: TracedCall) => call.name === 'pwrite64' && call.path.endsWith('/watermark'),
  ];
  const places = steps.reduce<number[]>((found, step) => {
    const from = found.at(-1) ?? sealed;
    return [...found, running.findIndex((call, index) => index > from && step(call))];
  }, []);
  expect(sealed).toBeGreaterThanOrEqual(0);
  // Each step was found behind the one before it.
  expect(
    places.every((place, index) => place > (places[index - 1] ?? sealed)),
    places.join(),
  ).toBe(true);
});
