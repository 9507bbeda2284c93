import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { TracedStore, type TracedDecision } from '../../src/limiter/decision-trace.ts';
import { EmbeddedStore } from '../../src/limiter/embedded-store.ts';
import type { Claim } from '../../src/limiter/limit-store.ts';
import { startApp } from '../support/running-app.ts';
import { smallDisk } from '../support/small-disk.ts';
import { tempDir } from '../support/temp-dir.ts';

const readTrace = (file: string): TracedDecision[] =>
  readFileSync(file, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as TracedDecision);

const claim = (key: string): Claim => ({
  key,
  rule: { limit: 1, windowUs: 1_000_000 },
  cost: 1,
  onStoreFailure: 'local',
  isDryRun: false,
});

test('every decision of a running sidecar is a line of the trace, in order, and nobody else reads it', async () => {
  using dir = tempDir();
  const [limits, trace] = [join(dir.path, 'limits.yaml'), join(dir.path, 'trace.ndjson')];
  writeFileSync(limits, 'trustedProxies: [127.0.0.0/8]\nlimits: [{ name: ip, key: ip, limit: 3, window: 60s }]\n');
  {
    await using app = await startApp({ env: { PROOFS_LIMITS_FILE: limits, PROOFS_LIMITS_TRACE: trace } });
    const ask = (headers: Record<string, string>): Promise<Response> =>
      fetch(`${app.url}/ratelimit/check/x`, { headers: { 'x-forwarded-for': '1.2.3.4', ...headers } });
    await ask({ 'x-ratelimit-cost': '2' });
    await ask({ 'x-ratelimit-cost': '2' });
    await ask({ 'x-ratelimit-request-id': 'a' });
    await ask({ 'x-ratelimit-request-id': 'a' });
  }
  const lines = readTrace(trace);
  expect(lines.map(({ cost, admitted, replay }) => [cost, admitted, replay])).toEqual([
    [2, true, false],
    [2, false, false],
    [1, true, false],
    [1, true, true],
  ]);
  expect(lines[0].claims).toEqual([[expect.stringContaining('ip:'), 3, 60_000_000, false]]);
  expect(lines.map(({ at }) => at)).toEqual(lines.map(({ at }) => at).toSorted((a, b) => Number(a) - Number(b)));
  expect(statSync(trace).mode & 0o777).toBe(0o600);
});

test('a trace that cannot be opened refuses the start and says so', async () => {
  using dir = tempDir();
  const limits = join(dir.path, 'limits.yaml');
  writeFileSync(limits, 'limits: [{ name: ip, key: ip, limit: 3, window: 60s }]\n');
  const env = { PROOFS_LIMITS_FILE: limits, PROOFS_LIMITS_TRACE: join(dir.path, 'missing', 'trace') };
  await expect(startApp({ env })).rejects.toThrow(/PROOFS_LIMITS_TRACE: ENOENT/);
});

test('a full disk ends the trace and not the limiter', async () => {
  using disk = smallDisk(65_536);
  const failed = vi.fn<(error: unknown) => void>();
  const store = new EmbeddedStore({ clockUs: () => Math.floor(performance.now() * 1000), keysMax: 10_000 });
  using traced = new TracedStore(store, join(disk.path, 'trace'), failed);
  for (let turn = 0; failed.mock.calls.length === 0 && turn < 1000; turn++) {
    for (let i = 0; i < 1000; i++) void traced.decide([claim(`k${i}`)]);
    await new Promise(setImmediate);
  }
  expect(failed).toHaveBeenCalledTimes(1);
  expect(await traced.decide([claim('another')])).toMatchObject({ isAdmitted: true });
});
