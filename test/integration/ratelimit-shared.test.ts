import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { openFaultyLink } from '../support/faulty-link.ts';
import { startRedisCluster } from '../support/redis-cluster.ts';
import { startRedis } from '../support/redis-server.ts';
import { startApp, type RunningApp } from '../support/running-app.ts';
import { tempDir } from '../support/temp-dir.ts';

vi.setConfig({ testTimeout: 60_000 });

const FILE = `
trustedProxies: [127.0.0.0/8]
limits:
  - { name: ip, key: ip, limit: 40, window: 60s }
  - { name: tenant, key: tenant, limit: 1000, window: 60s }
`;

/** Two sidecars that share the limits in Redis. */
async function startPair(stack: AsyncDisposableStack, url: string): Promise<readonly [RunningApp, RunningApp]> {
  const dir = stack.adopt(tempDir(), (each) => each[Symbol.dispose]());
  const file = join(dir.path, 'limits.yaml');
  writeFileSync(file, FILE);
  const env = { PROOFS_LIMITS_FILE: file, PROOFS_LIMITS_STORE: 'redis', PROOFS_REDIS_URL: url, PROOFS_LIMITS_TIMEOUT_MS: '5000' };
  const pair = [stack.use(await startApp({ env })), stack.use(await startApp({ env }))] as const;
  const areReady = (): boolean => pair.every(({ context }) => context.limits?.status().store?.isReady);
  await expect.poll(areReady, { timeout: 20_000, interval: 20 }).toBe(true);
  await expect.poll(() => pair.every(({ context }) => context.limits?.status().store?.nodes === 2), { timeout: 20_000 }).toBe(true);
  return pair;
}

const ask = async ({ url }: RunningApp, ip: string): Promise<number> => {
  const response = await fetch(`${url}/ratelimit/check/x`, { headers: { 'x-forwarded-for': ip } });
  await response.body?.cancel();
  return response.status;
};

const admitted = async (pair: readonly [RunningApp, RunningApp], ip: string, requests: number): Promise<number> => {
  const statuses = await Promise.all(Array.from({ length: requests }, (_, i) => ask(pair[i % 2], ip)));
  return statuses.filter((status) => status === 200).length;
};

test('two sidecars on one Redis admit exactly the limit, and go on with their shares when it dies', async () => {
  await using stack = new AsyncDisposableStack();
  const server = stack.use(await startRedis());
  const pair = await startPair(stack, server.url);
  expect(await admitted(pair, '1.1.1.1', 200)).toBe(40);
  expect(await admitted(pair, '2.2.2.2', 20)).toBe(20);
  await server.kill();
  await expect.poll(async () => (await pair[0].getJson('/readyz')).json['status'], { timeout: 10_000 }).toBe('degraded');
  // Twenty are each one's share; ten of those are gone.
  expect(await admitted(pair, '2.2.2.2', 100)).toBe(20);
  expect(await ask(pair[0], '2.2.2.2')).toBe(503);
  const metrics = await (await fetch(`${pair[0].url}/metrics`)).text();
  expect(metrics).toContain('proofs_ratelimit_store_up 0');
  expect(metrics).toMatch(/proofs_ratelimit_requests_total\{outcome="reduced"\} [1-9]/);
});

test('and so do two on a cluster of three masters', async () => {
  await using stack = new AsyncDisposableStack();
  const cluster = stack.use(await startRedisCluster());
  const pair = await startPair(stack, cluster.urls.join(','));
  expect(await admitted(pair, '1.1.1.1', 200)).toBe(40);
  expect(await admitted(pair, '2.2.2.2', 30)).toBe(30);
});

test('a connection that died without a word is given up and opened anew', async () => {
  await using stack = new AsyncDisposableStack();
  const server = stack.use(await startRedis());
  const link = stack.use(await openFaultyLink(Number(new URL(server.url).port)));
  const dir = stack.adopt(tempDir(), (each) => each[Symbol.dispose]());
  const file = join(dir.path, 'limits.yaml');
  writeFileSync(file, FILE);
  const env = { PROOFS_LIMITS_FILE: file, PROOFS_LIMITS_STORE: 'redis', PROOFS_REDIS_URL: `redis://127.0.0.1:${link.port}` };
  const app = stack.use(await startApp({ env }));
  const isReady = (): boolean | undefined => app.context.limits?.status().store?.isReady;
  await expect.poll(isReady, { timeout: 20_000, interval: 20 }).toBe(true);
  link.stall();
  await ask(app, '1.1.1.1');
  expect(isReady()).toBe(false);
  // The connections of before stay dead: only a new one reaches the server.
  await expect.poll(isReady, { timeout: 10_000, interval: 20 }).toBe(true);
  expect(await admitted([app, app], '2.2.2.2', 60)).toBe(40);
});

test('tells how long the store takes, and warns of settings with which it forgets', async () => {
  await using stack = new AsyncDisposableStack();
  const server = stack.use(await startRedis());
  await server.command('CONFIG', 'SET', 'maxmemory', '100mb');
  await server.command('CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru');
  const [app] = await startPair(stack, server.url);
  expect(await ask(app, '1.1.1.1')).toBe(200);
  expect(await (await fetch(`${app.url}/metrics`)).text()).toMatch(/^proofs_ratelimit_store_seconds_count [1-9]/m);
  const warned = (text: string): boolean => app.logLines.some((line) => line.includes(text));
  await expect.poll(() => warned('maxmemory-policy is allkeys-lru') && warned('no append-only file')).toBe(true);
});

test('a node that starts decides nothing before it knows of the others', async () => {
  await using stack = new AsyncDisposableStack();
  const server = stack.use(await startRedis());
  const [first] = await startPair(stack, server.url);
  expect(await admitted([first, first], '1.1.1.1', 60)).toBe(40);
  const dir = stack.adopt(tempDir(), (each) => each[Symbol.dispose]());
  const file = join(dir.path, 'limits.yaml');
  writeFileSync(file, FILE);
  const env = { PROOFS_LIMITS_FILE: file, PROOFS_LIMITS_STORE: 'redis', PROOFS_REDIS_URL: server.url };
  const third = stack.use(await startApp({ env }));
  // Its very first requests.
  expect(await admitted([third, third], '1.1.1.1', 60)).toBe(0);
});
