import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startSidecar } from '../support/sidecar.ts';
import { tempDir } from '../support/temp-dir.ts';
import { makeScenarios, type Scenario, type ScenarioName } from './scenarios.ts';
import { CaseFolder } from './case-folder.ts';
import { readTrace, TRACE_FORMAT, type TracedCall } from './syscall-trace.ts';

/** What a power cut would leave cannot be seen on a running machine, so the order of the calls is checked instead. */
const directory = tempDir();
let scenarios: Record<ScenarioName, Scenario>;

beforeAll(async () => {
  scenarios = await makeScenarios(directory.path);
}, 120_000);
afterAll(() => directory[Symbol.dispose]());

async function traceStart(name: ScenarioName): Promise<{ folder: CaseFolder; calls: readonly TracedCall[] }> {
  const folder = scenarios[name].template.copyTo(join(directory.path, `traced-${name}`));
  const output = `${folder.path}.strace`;
  await using sidecar = await startSidecar({
    dataDir: folder.dataDir,
    env: folder.env(),
    strace: ['--seccomp-bpf', '-o', output, ...TRACE_FORMAT],
  });
  sidecar.kill('SIGTERM');
  await sidecar.exited;
  return { folder, calls: (await readTrace(output, sidecar.pid)).calls };
}

const isSync = (call: TracedCall): boolean => call.name === 'fsync' || call.name === 'fdatasync';

it('makes requests that a killed process left above the watermark durable before a new watermark counts them', async () => {
  const { calls } = await traceStart('recover');
  const counted = calls.findIndex(({ name, path }) => name === 'pwrite64' && path.endsWith('/watermark'));
  const written = calls.findIndex(({ name, path }) => name === 'pwrite64' && path.endsWith('.seg'));
  const synced = calls.findIndex((call, index) => index > written && isSync(call) && call.path.endsWith('.seg'));
  expect(counted).toBeGreaterThan(0);
  expect(written).toBeGreaterThanOrEqual(0);
  expect(synced).toBeGreaterThan(written);
  expect(synced).toBeLessThan(counted);
});

it('makes every name of a new ledger durable before it takes requests', async () => {
  const { folder, calls } = await traceStart('create');
  const names = calls.filter(
    ({ name, args, path }) => path.startsWith(folder.path) && (name === 'mkdir' || (name === 'openat' && args.includes('O_CREAT'))),
  );
  // The lock file's content and existence are irrelevant: it is made again when it is gone.
  const unsynced = names.filter(({ path }) => {
    const made = calls.findLastIndex((call) => call.path === path && (call.name === 'mkdir' || call.args.includes('O_CREAT')));
    return !path.endsWith('.lock') && !calls.some((call, index) => index > made && call.name === 'fsync' && call.path === join(path, '..'));
  });
  expect(unsynced.map(({ path }) => path)).toEqual([]);
  const files = names.filter(({ name, path }) => name === 'openat' && !path.endsWith('.lock'));
  expect(files.length).toBeGreaterThan(5);
  for (const { path } of files)
    expect(
      calls.some((call) => isSync(call) && call.path === path),
      `"${path}" is synced`,
    ).toBe(true);
});
