import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { EmbeddedStore } from '../../src/limiter/embedded-store.ts';
import { STORE_FULL, type Claim } from '../../src/limiter/limit-store.ts';
import { connectRedis, type RedisClient } from '../../src/limiter/redis-client.ts';
import { RedisStore } from '../../src/limiter/redis-store.ts';
import { ShardedStore, shardOf } from '../../src/limiter/sharded-store.ts';
import { SharedStore } from '../../src/limiter/shared-store.ts';
import { startRedisCluster, type RedisCluster } from '../support/redis-cluster.ts';

vi.setConfig({ hookTimeout: 60_000 });

const SHARDS = 16;
/** These tests are about exactness, on machines that may be busy. */
const TIMEOUT_MS = 5000;
const EVENTS = { ready: () => undefined, jumped: () => undefined, seeded: () => undefined, answered: () => undefined };
const claim = (key: string, limit: number): Claim => ({
  key,
  rule: { limit, windowUs: 60_000_000 },
  cost: 1,
  isDryRun: false,
  onStoreFailure: 'local',
});

/** A node of ours before a cluster. */
class Node implements AsyncDisposable {
  readonly #client: RedisClient;
  readonly #stores: RedisStore[];
  readonly store: ShardedStore;

  constructor(urls: readonly string[], prefix: string) {
    this.#client = connectRedis({ urls, timeoutMs: TIMEOUT_MS });
    const shards = Array.from({ length: SHARDS }, (_, i) => {
      const redis: RedisStore = new RedisStore({
        client: this.#client,
        timeoutMs: TIMEOUT_MS,
        prefix: `{${prefix}${i}}:`,
        ownStamps: (sinceUs) => own.newerThan(sinceUs),
        events: EVENTS,
      });
      const own = new EmbeddedStore({ clockUs: () => redis.nowUs(), keysMax: 1000 });
      return { redis, shared: new SharedStore(redis, own) };
    });
    this.#stores = shards.map(({ redis }) => redis);
    this.store = new ShardedStore(shards.map(({ shared }) => shared));
  }

  get isReady(): boolean {
    return this.#stores.every((redis) => redis.isReady);
  }

  async admits(...claims: readonly Claim[]): Promise<boolean> {
    const verdict = await this.store.decide(claims);
    return verdict !== STORE_FULL && verdict.isAdmitted;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const redis of this.#stores) await redis[Symbol.asyncDispose]();
    this.#client.disconnect();
  }
}

let cluster: RedisCluster;
let prefixes = 0;
beforeAll(async () => {
  cluster = await startRedisCluster();
});
afterAll(async () => {
  await cluster[Symbol.asyncDispose]();
});

async function openNodes(count: number): Promise<Node[]> {
  const prefix = `t${prefixes++}-`;
  const nodes = Array.from({ length: count }, () => new Node(cluster.urls, prefix));
  await expect.poll(() => nodes.every(({ isReady }) => isReady), { timeout: 20_000, interval: 10 }).toBe(true);
  return nodes;
}

test('two nodes admit exactly the limit of a key, and keys lie on all masters', async () => {
  await using stack = new AsyncDisposableStack();
  const nodes = await openNodes(2);
  for (const node of nodes) stack.use(node);
  const keys = Array.from({ length: 30 }, (_, i) => `ip:10.0.0.${i}`);
  expect(new Set(keys.map((key) => shardOf(key, SHARDS))).size).toBeGreaterThan(8);
  const admitted = new Map(keys.map((key) => [key, 0]));
  await Promise.all(
    keys.flatMap((key) =>
      Array.from({ length: 20 }, async (_, i) => {
        if (await nodes[i % 2].admits(claim(key, 7))) admitted.set(key, (admitted.get(key) ?? 0) + 1);
      }),
    ),
  );
  expect([...admitted.values()]).toEqual(keys.map(() => 7));
  const sizes = await Promise.all(cluster.servers.map(({ command }) => command('DBSIZE')));
  expect(sizes.every((size) => Number(size) > 0)).toBe(true);
});

test('a check over two shards charges both or none, and what was reserved comes back', async () => {
  await using stack = new AsyncDisposableStack();
  const [node] = await openNodes(1);
  stack.use(node);
  const [ip, tenant] = ['ip:1.2.3.4', 'tenant:acme'];
  expect(shardOf(ip, SHARDS)).not.toBe(shardOf(tenant, SHARDS));
  expect(await node.admits(claim(ip, 5), claim(tenant, 2))).toBe(true);
  expect(await node.admits(claim(ip, 5), claim(tenant, 2))).toBe(true);
  for (let i = 0; i < 10; i++) expect(await node.admits(claim(ip, 5), claim(tenant, 2))).toBe(false);
  // Three are left to the address: the ten refused ones gave back what they had reserved.
  const left = await node.store.look([claim(ip, 5)]);
  expect(left.views[0].remaining).toBe(3);
  expect([
    await node.admits(claim(ip, 5)),
    await node.admits(claim(ip, 5)),
    await node.admits(claim(ip, 5)),
    await node.admits(claim(ip, 5)),
  ]).toEqual([true, true, true, false]);
});

test('under concurrent checks of shared keys nothing is admitted above any limit', async () => {
  await using stack = new AsyncDisposableStack();
  const nodes = await openNodes(2);
  for (const node of nodes) stack.use(node);
  const admitted = { tenant: 0, ips: new Map<string, number>() };
  await Promise.all(
    Array.from({ length: 400 }, async (_, i) => {
      const ip = `ip:10.1.0.${i % 10}`;
      if (!(await nodes[i % 2].admits(claim(ip, 9), claim('tenant:big', 60)))) return;
      admitted.tenant++;
      admitted.ips.set(ip, (admitted.ips.get(ip) ?? 0) + 1);
    }),
  );
  expect(admitted.tenant).toBeLessThanOrEqual(60);
  expect(Math.max(...admitted.ips.values())).toBeLessThanOrEqual(9);
  // Afterwards no reservation is left: exactly the rest is admitted.
  let more = 0;
  for (let i = 0; i < 70; i++) if (await nodes[0].admits(claim('tenant:big', 60))) more++;
  expect(admitted.tenant + more).toBe(60);
});
