import { createHash } from 'node:crypto';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { connectRedis, type RedisClient } from '../../src/limiter/redis-client.ts';
import { StoreUnavailableError, RedisStore, type OwnStamps, type RedisStoreEvents } from '../../src/limiter/redis-store.ts';
import type { Claim, StoreVerdict } from '../../src/limiter/limit-store.ts';
import { REMEMBERED_MAX } from '../../src/limiter/redis-scripts.ts';
import { describeLimitStore } from '../support/limit-store-laws.ts';
import { startRedis, type RedisServer } from '../support/redis-server.ts';

const QUIET: RedisStoreEvents = { ready: () => undefined, jumped: () => undefined, seeded: () => undefined, answered: () => undefined };

let server: RedisServer;
let stores = 0;
beforeAll(async () => {
  server = await startRedis();
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

/** These tests are about exactness, on machines that may be busy. */
const TIMEOUT_MS = 5000;

const clients: RedisClient[] = [];
function connected(url: string): RedisClient {
  const client = connectRedis({ urls: [url], timeoutMs: TIMEOUT_MS });
  clients.push(client);
  return client;
}
afterEach(() => {
  for (const client of clients.splice(0)) client.disconnect();
});

async function until(holds: () => boolean): Promise<void> {
  await expect.poll(holds, { timeout: 10_000, interval: 5 }).toBe(true);
}

describeLimitStore('windows in a Redis server', async () => {
  let clockUs = 1_000_000;
  const store = new RedisStore({
    client: connected(server.url),
    timeoutMs: TIMEOUT_MS,
    prefix: `law:${stores++}:`,
    ownStamps: () => [],
    events: QUIET,
    clockUs: () => clockUs,
  });
  await until(() => store.isReady);
  return {
    store,
    setClock: (nowUs) => {
      clockUs = nowUs;
    },
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  };
});

const claim = (key: string, limit: number): Claim => ({
  key,
  rule: { limit, windowUs: 60_000_000 },
  cost: 1,
  onStoreFailure: 'local',
  isDryRun: false,
});

test('two nodes share a limit exactly', async () => {
  const prefix = `two:${stores++}:`;
  const open = (): RedisStore =>
    new RedisStore({ client: connected(server.url), timeoutMs: TIMEOUT_MS, prefix, ownStamps: () => [], events: QUIET });
  await using a = open();
  await using b = open();
  await until(() => a.isReady && b.isReady && a.share.nodes === 2 && b.share.nodes === 2);
  expect(new Set([a.share.place, b.share.place])).toEqual(new Set([0, 1]));
  const verdicts = await Promise.all(Array.from({ length: 500 }, (_, i) => (i % 2 === 0 ? a : b).decide([claim('x', 137)])));
  expect(verdicts.filter(({ isAdmitted }) => isAdmitted)).toHaveLength(137);
});

test('what was lost with the data is brought back by the nodes before anything is decided', async () => {
  await using own = await startRedis();
  const stamps = new Map<string, number[]>();
  const seeded: number[] = [];
  const ownStamps = (): Iterable<OwnStamps> => Array.from(stamps, ([key, each]) => ({ key, windowUs: 60_000_000, stamps: each }));
  const events = { ...QUIET, seeded: (count: number) => void seeded.push(count) };
  await using store = new RedisStore({ client: connected(own.url), timeoutMs: TIMEOUT_MS, prefix: 'p:', ownStamps, events });
  await until(() => store.isReady);
  for (let i = 0; i < 7; i++) {
    const { isAdmitted, nowUs } = await store.decide([claim('x', 10)]);
    expect(isAdmitted).toBe(true);
    stamps.set('x', [...(stamps.get('x') ?? []), nowUs]);
  }
  await own.command('FLUSHALL');
  await expect(store.decide([claim('x', 10)])).rejects.toThrow(StoreUnavailableError);
  await until(() => store.isReady);
  expect([...new Set(seeded)]).toEqual([7]);
  const verdicts = [];
  for (let i = 0; i < 5; i++) verdicts.push((await store.decide([claim('x', 10)])).isAdmitted);
  expect(verdicts).toEqual([true, true, true, false, false]);
});

const tagOf = (text: string): string => createHash('sha256').update(text).digest('latin1');

test('ten thousand requests with one id are no ten thousand admissions', async () => {
  await using store = new RedisStore({
    client: connected(server.url),
    timeoutMs: TIMEOUT_MS,
    prefix: `one-id:${stores++}:`,
    ownStamps: () => [],
    events: QUIET,
  });
  await until(() => store.isReady);
  const verdicts = await Promise.all(Array.from({ length: 10_000 }, () => store.decide([claim('x', 100)], tagOf('always the same'))));
  // The first is repeated four times for nothing; all others are charged like any request.
  expect(verdicts.filter(({ isAdmitted }) => isAdmitted)).toHaveLength(104);
  expect(verdicts.filter(({ isReplay }) => isReplay)).toHaveLength(4);
});

test('a flood of ids is remembered up to a bound, and charged beyond it', async () => {
  let nowUs = 1_800_000_000_000_000;
  await using store = new RedisStore({
    client: connected(server.url),
    timeoutMs: TIMEOUT_MS,
    prefix: `flood:${stores++}:`,
    ownStamps: () => [],
    events: QUIET,
    clockUs: () => nowUs,
  });
  await until(() => store.isReady);
  const ask = (id: string): Promise<StoreVerdict> => store.decide([claim('x', 1_000_000)], tagOf(id));
  await Promise.all(Array.from({ length: REMEMBERED_MAX - 1 }, (_, i) => ask(String(i))));
  await ask('the last one');
  await ask('one too many');
  expect((await ask('the last one')).isReplay).toBe(true);
  expect((await ask('one too many')).isReplay).toBe(false);
  nowUs += 5_000_000;
  await ask('later');
  expect((await ask('later')).isReplay).toBe(true);
});
