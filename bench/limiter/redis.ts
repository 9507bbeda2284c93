import { Redis } from 'ioredis';
import { connectRedis } from '../../src/limiter/redis-client.ts';
import type { Claim } from '../../src/limiter/limit-store.ts';
import { RedisStore } from '../../src/limiter/redis-store.ts';
import { startRedis } from '../../test/support/redis-server.ts';
import { consume, loadFlexible } from './peers.ts';
import { measureInTurn, type Measured } from './rounds.ts';

const KEYS = 10_000;
const LIMIT = 50;
const WINDOW_S = 1;
/** Checks that wait for an answer at one time: what a few hundred connections bring. */
const UNDER_WAY = 512;
const TIMEOUT_MS = 5000;

export interface RedisResult {
  readonly decisionsPerS: readonly Measured[];
  /** MEMORY USAGE of one full window. */
  readonly bytesPerKey: readonly { readonly limit: number; readonly bytes: number }[];
}

/** Decisions a second of one process on one Redis server, 512 under way: ours, and rate-limiter-flexible with autopipelining. */
export async function benchRedis(seconds: number, rounds: number): Promise<RedisResult> {
  await using server = await startRedis();
  const client = connectRedis({ urls: [server.url], timeoutMs: TIMEOUT_MS });
  const theirs = new Redis(server.url, { enableAutoPipelining: true });
  const whenReady = Promise.withResolvers<void>();
  const store = new RedisStore({
    client,
    timeoutMs: TIMEOUT_MS,
    prefix: 'ours:',
    ownStamps: () => [],
    events: {
      ready: (isReady) => isReady && whenReady.resolve(),
      jumped: () => undefined,
      seeded: () => undefined,
      answered: () => undefined,
    },
  });
  try {
    await whenReady.promise;
    const { RateLimiterRedis } = loadFlexible();
    const flexible = new RateLimiterRedis({ storeClient: theirs, points: LIMIT, duration: WINDOW_S });
    const addresses = Array.from({ length: KEYS }, (_, i) => `10.0.${i >> 8}.${i & 255}`);
    const one = addresses.map((address) => [claim(`ip:${address}`, LIMIT)]);
    const two = addresses.map((address, i) => [claim(`ip:${address}`, LIMIT), claim(`tenant:${i % 100}`, 1_000_000)]);
    const decisionsPerS = await measureInTurn(
      [
        { name: 'ours, one window', measure: () => rateOf(seconds, (index) => store.decide(one[index])) },
        { name: 'ours, two windows at once', measure: () => rateOf(seconds, (index) => store.decide(two[index])) },
        { name: 'rate-limiter-flexible', measure: () => rateOf(seconds, (index) => consume(flexible, addresses[index])) },
      ],
      rounds,
    );
    const bytesPerKey = [];
    for (const limit of [10, 100, 1000]) bytesPerKey.push({ limit, bytes: await usage(store, server, limit) });
    return { decisionsPerS, bytesPerKey };
  } finally {
    await store[Symbol.asyncDispose]();
    client.disconnect();
    theirs.disconnect();
  }
}

function claim(key: string, limit: number, windowUs = WINDOW_S * 1e6): Claim {
  return { key, rule: { limit, windowUs }, cost: 1, onStoreFailure: 'local', isDryRun: false };
}

async function rateOf(seconds: number, decide: (index: number) => Promise<unknown>): Promise<number> {
  const startMs = performance.now();
  const endMs = startMs + seconds * 1000;
  let done = 0;
  const worker = async (): Promise<void> => {
    while (performance.now() < endMs) await decide(done++ % KEYS);
  };
  await Promise.all(Array.from({ length: UNDER_WAY }, worker));
  return (done * 1000) / (performance.now() - startMs);
}

async function usage(store: RedisStore, server: Awaited<ReturnType<typeof startRedis>>, limit: number): Promise<number> {
  const key = `full-${limit}`;
  for (let i = 0; i < limit; i++) await store.decide([claim(key, limit, 3600e6)]);
  const names = await server.command('KEYS', `ours:*${key}`);
  if (!Array.isArray(names) || names.length !== 1) throw new Error(`not one list is named after ${key}`);
  return Number(await server.command('MEMORY', 'USAGE', String(names[0]), 'SAMPLES', '0'));
}
