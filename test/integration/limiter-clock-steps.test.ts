import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { startRedis } from '../support/redis-server.ts';
import { startApp } from '../support/running-app.ts';
import { startSidecar } from '../support/sidecar.ts';
import { makeStepClock } from '../support/step-clock.ts';
import { tempDir } from '../support/temp-dir.ts';

const LIMIT = 10;
const WINDOW_MS = 2000;
const FILE = `trustedProxies: [127.0.0.0/8]\nlimits: [{ name: ip, key: ip, limit: ${LIMIT}, window: ${WINDOW_MS}ms }]\n`;

const ask = async (url: string, ip: string): Promise<number> => {
  const response = await fetch(`${url}/ratelimit/check/x`, { headers: { 'x-forwarded-for': ip } });
  await response.body?.cancel();
  return response.status;
};

const askTimes = (url: string, ip: string, times: number): Promise<number[]> =>
  Promise.all(Array.from({ length: times }, () => ask(url, ip)));
const admittedOf = (statuses: readonly number[]): number => statuses.filter((status) => status === 200).length;

/** What holds whatever the clock did in between: what was admitted stays in its window, and leaves it in time. */
async function expectExact(url: string, ip: string, step: () => void): Promise<void> {
  const startMs = performance.now();
  expect(admittedOf(await askTimes(url, ip, LIMIT))).toBe(LIMIT);
  step();
  const after = await askTimes(url, ip, 2 * LIMIT);
  // Else they may have left their window, and the test says nothing.
  expect(performance.now() - startMs).toBeLessThan(WINDOW_MS);
  expect(admittedOf(after)).toBe(0);
  await setTimeout(WINDOW_MS + 100);
  await expect.poll(() => ask(url, ip), { timeout: 5000 }).toBe(200);
}

test.each([-3600, 3600])('the clock of a sidecar with windows of its own steps by %d s', async (seconds) => {
  using dir = tempDir();
  using clock = makeStepClock();
  const file = join(dir.path, 'limits.yaml');
  writeFileSync(file, FILE);
  await using sidecar = await startSidecar({ dataDir: dir.path, env: { PROOFS_LIMITS_FILE: file, ...clock.env } });
  await expectExact(sidecar.url, '1.2.3.4', () => clock.set(seconds));
  const { headers } = await fetch(sidecar.url);
  expect(Math.abs(Date.parse(headers.get('date') ?? '') - Date.now() - seconds * 1000)).toBeLessThan(5000);
});

test.each([-3600, -2, 1, 3600])('the clock of the Redis server steps by %d s', async (seconds) => {
  using dir = tempDir();
  using clock = makeStepClock();
  const file = join(dir.path, 'limits.yaml');
  writeFileSync(file, FILE);
  await using server = await startRedis({ env: clock.env });
  await using app = await startApp({ env: { PROOFS_LIMITS_FILE: file, PROOFS_LIMITS_STORE: 'redis', PROOFS_REDIS_URL: server.url } });
  const isReady = (): boolean | undefined => app.context.limits?.status().store?.isReady;
  await expect.poll(isReady, { timeout: 20_000, interval: 20 }).toBe(true);
  await expectExact(app.url, '1.2.3.4', () => clock.set(seconds));
  await expect.poll(isReady, { timeout: 5000, interval: 20 }).toBe(true);
  const time = await server.command('TIME');
  expect(Math.abs(Number(Array.isArray(time) ? time[0] : 0) - Date.now() / 1000 - seconds)).toBeLessThan(1.5);
});
