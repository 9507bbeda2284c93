import autocannon from 'autocannon';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { startRedis } from '../../test/support/redis-server.ts';
import { startSidecar, useBuiltSidecar } from '../../test/support/sidecar.ts';
import { tempDir } from '../../test/support/temp-dir.ts';
import { measureInTurn, type Measured } from './rounds.ts';

const CONNECTIONS = 100;
/** Each connection asks about its own: 10,000 in all. */
const KEYS_OF_CONNECTION = 100;
const APP = fileURLToPath(new URL('http-app.run.ts', import.meta.url));
const WARM_UP_S = 2;
const TIMEOUT_MS = '5000';

const ONE = `trustedProxies: [127.0.0.1]
limits: [{ name: ip, key: ip, limit: 50, window: 1s }]
`;
const TWO = `trustedProxies: [127.0.0.1]
limits:
  - { name: ip, key: ip, limit: 50, window: 1s }
  - { name: tenant, key: tenant, limit: 1000000, window: 1s }
`;

/** Requests a second over HTTP, 100 connections without pipelining, all headers on: an empty route, ours, and @fastify/rate-limit. */
export async function benchHttp(seconds: number, rounds: number): Promise<Measured[]> {
  useBuiltSidecar();
  await using stack = new AsyncDisposableStack();
  const redis = stack.use(await startRedis());
  const shared = { PROOFS_LIMITS_STORE: 'redis', PROOFS_REDIS_URL: redis.url, PROOFS_LIMITS_TIMEOUT_MS: TIMEOUT_MS };
  const contenders = [
    { name: 'empty Fastify route', url: await startApp(stack, 'empty') },
    { name: 'ours, in memory', url: await startOurs(stack, ONE, {}) },
    { name: 'ours, in memory, two limits', url: await startOurs(stack, TWO, {}) },
    { name: '@fastify/rate-limit, in memory', url: await startApp(stack, 'fastify-rate-limit') },
    { name: 'ours, in Redis', url: await startOurs(stack, ONE, shared) },
    { name: 'ours, in Redis, two limits', url: await startOurs(stack, TWO, { ...shared, PROOFS_LIMITS_PREFIX: 'two:' }) },
    { name: '@fastify/rate-limit, in Redis', url: await startApp(stack, 'fastify-rate-limit', redis.url) },
  ];
  for (const { url } of contenders) await rateOf(url, WARM_UP_S);
  return await measureInTurn(
    contenders.map(({ name, url }) => ({ name, measure: () => rateOf(url, seconds) })),
    rounds,
  );
}

async function rateOf(url: string, seconds: number): Promise<number> {
  let connection = 0;
  const result = await autocannon({
    url,
    connections: CONNECTIONS,
    duration: seconds,
    setupClient: (client) => {
      const place = connection++;
      const paths = Array.from({ length: KEYS_OF_CONNECTION }, (_, i) => ({
        method: 'GET' as const,
        path: '/ratelimit/check/bench',
        headers: { 'x-forwarded-for': `10.0.${place}.${i}`, 'x-tenant-id': `team-${i}` },
      }));
      client.setRequests(paths);
    },
  });
  const strange = result.errors + result.timeouts + result['5xx'] + result['3xx'];
  if (strange > 0) throw new Error(`${strange} requests of ${url} failed`);
  return result.requests.total / result.duration;
}

async function startApp(stack: AsyncDisposableStack, ...args: readonly string[]): Promise<string> {
  const child = spawn(process.execPath, [APP, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  stack.defer(async () => {
    child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  });
  const line = once(createInterface({ input: child.stdout }), 'line').then(([text]: string[]) => text);
  const ended = once(child, 'exit').then(() => Promise.reject(new Error(`the app ${args.join(' ')} ended before it listened`)));
  ended.catch(() => undefined);
  return `http://127.0.0.1:${await Promise.race([line, ended])}`;
}

async function startOurs(stack: AsyncDisposableStack, limits: string, env: Readonly<Record<string, string>>): Promise<string> {
  const { path } = stack.adopt(tempDir(), (each) => each[Symbol.dispose]());
  const file = join(path, 'limits.yaml');
  writeFileSync(file, limits);
  const sidecar = await startSidecar({ dataDir: path, env: { PROOFS_LIMITS_FILE: file, PROOFS_LOG_LEVEL: 'error', ...env } });
  stack.use(sidecar);
  return sidecar.url;
}
