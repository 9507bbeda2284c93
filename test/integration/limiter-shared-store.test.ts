import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { EmbeddedStore } from '../../src/limiter/embedded-store.ts';
import { STORE_FULL, type Claim, type OnStoreFailure, type StoreVerdict } from '../../src/limiter/limit-store.ts';
import { connectRedis, type RedisClient } from '../../src/limiter/redis-client.ts';
import { RedisStore } from '../../src/limiter/redis-store.ts';
import { SharedStore, shareOf } from '../../src/limiter/shared-store.ts';
import { openFaultyLink } from '../support/faulty-link.ts';
import { startRedis } from '../support/redis-server.ts';

const WINDOW_US = 60_000_000;
/** Long enough for a busy machine: only one test waits for it. */
const TIMEOUT_MS = 2000;
const claim = (key: string, limit: number, onStoreFailure: OnStoreFailure = 'local'): Claim => ({
  key,
  rule: { limit, windowUs: WINDOW_US },
  cost: 1,
  isDryRun: false,
  onStoreFailure,
});

/** A node as the sidecar wires it. */
class Node implements AsyncDisposable {
  readonly redis: RedisStore;
  readonly store: SharedStore;
  readonly told: string[] = [];

  readonly #client: RedisClient;

  constructor(url: string) {
    this.#client = connectRedis({ urls: [url], timeoutMs: TIMEOUT_MS });
    this.redis = new RedisStore({
      client: this.#client,
      timeoutMs: TIMEOUT_MS,
      prefix: 'limits:',
      ownStamps: (sinceUs) => own.newerThan(sinceUs),
      events: {
        ready: (isReady) => void this.told.push(isReady ? 'ready' : 'away'),
        jumped: (byUs) => void this.told.push(`jumped ${Math.round(byUs / 1e6)} s`),
        seeded: (stamps) => void this.told.push(`seeded ${stamps}`),
        answered: () => undefined,
      },
    });
    const own = new EmbeddedStore({ clockUs: () => this.redis.nowUs(), keysMax: 1000 });
    this.store = new SharedStore(this.redis, own);
  }

  async decide(...claims: readonly Claim[]): Promise<StoreVerdict> {
    const verdict = await this.store.decide(claims);
    if (verdict === STORE_FULL) throw new Error('the store is full');
    return verdict;
  }

  /** How many of so many requests were admitted. */
  async admit(count: number, each: Claim): Promise<number> {
    let admitted = 0;
    for (let i = 0; i < count; i++) if ((await this.decide(each)).isAdmitted) admitted++;
    return admitted;
  }

  async ready(nodes: number): Promise<void> {
    await expect.poll(() => this.redis.isReady && this.redis.share.nodes === nodes, { timeout: 15_000, interval: 5 }).toBe(true);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.redis[Symbol.asyncDispose]();
    this.#client.disconnect();
  }
}

test('shares add up to the limit and no more', () => {
  for (const limit of [0, 1, 2, 3, 7, 100])
    for (const nodes of [1, 2, 3, 5]) {
      const shares = Array.from({ length: nodes }, (_, place) => shareOf(limit, nodes, place));
      const sum = shares.reduce((a, b) => a + b, 0);
      expect(sum).toBeLessThanOrEqual(limit);
      if (limit > 0) expect(sum).toBeGreaterThan(0);
    }
});

describe('a server that is killed', () => {
  test('with an append-only file loses nothing, and nodes bring nothing twice', async () => {
    await using server = await startRedis({ isAppendOnly: true });
    await using a = new Node(server.url);
    await using b = new Node(server.url);
    await Promise.all([a.ready(2), b.ready(2)]);
    expect((await a.admit(4, claim('x', 10))) + (await b.admit(3, claim('x', 10)))).toBe(7);
    await server.kill();
    await server.restart();
    await Promise.all([a.ready(2), b.ready(2)]);
    expect((await a.admit(5, claim('x', 10))) + (await b.admit(5, claim('x', 10)))).toBe(3);
  });

  test('without one is made whole again by its nodes before it decides', async () => {
    await using server = await startRedis();
    await using a = new Node(server.url);
    await using b = new Node(server.url);
    await Promise.all([a.ready(2), b.ready(2)]);
    expect((await a.admit(4, claim('x', 10))) + (await b.admit(3, claim('x', 10)))).toBe(7);
    await server.kill();
    await server.restart();
    await Promise.all([a.ready(2), b.ready(2)]);
    expect((await a.admit(5, claim('x', 10))) + (await b.admit(5, claim('x', 10)))).toBe(3);
    expect(a.told).toContain('seeded 4');
    expect(b.told).toContain('seeded 3');
  });
});

describe('while the server is away', () => {
  test('what a node admits until the very moment that the store decides again is known to the store', async () => {
    await using server = await startRedis();
    await using link = await openFaultyLink(Number(new URL(server.url).port));
    await using a = new Node(`redis://127.0.0.1:${link.port}`);
    await a.ready(1);
    const limit = 3000;
    const each = claim('x', limit);
    const stop = new AbortController();
    const admitting = (async () => {
      let admitted = 0;
      while (!stop.signal.aborted) {
        // One at a time, so that none is under way when the store goes and comes back.
        if ((await a.decide(each)).isAdmitted) admitted++;
        await sleep(1);
      }
      return admitted;
    })();
    try {
      await sleep(50);
      // The way to the server is long from now on: bringing stamps takes a while, in which the node goes on alone.
      link.delayMs = () => 20;
      for (let times = 1; times <= 3; times++) {
        await server.command('FLUSHALL');
        const wasLost = (): boolean => a.told.filter((each) => each === 'away').length === times;
        await expect.poll(wasLost, { timeout: 5000, interval: 1 }).toBe(true);
        await a.ready(1);
      }
    } finally {
      stop.abort();
    }
    const admitted = await admitting;
    link.delayMs = () => 0;
    const { views } = await a.redis.look([each]);
    expect(views[0].remaining).toBe(limit - admitted);
    expect(admitted).toBeGreaterThan(20);
  });

  test('each node admits its share, counted with what it admitted before; then the store knows of it', async () => {
    await using server = await startRedis();
    await using a = new Node(server.url);
    await using b = new Node(server.url);
    await Promise.all([a.ready(2), b.ready(2)]);
    expect(await a.admit(3, claim('x', 10))).toBe(3);
    server.signal('SIGSTOP');
    // Five each: of a's three are gone.
    const last: StoreVerdict[] = [];
    const admitted = [0, 0];
    for (let i = 0; i < 8; i++)
      for (const [n, node] of [a, b].entries()) {
        const verdict = await node.decide(claim('x', 10));
        if (verdict.isAdmitted) admitted[n]++;
        last[n] = verdict;
      }
    expect(admitted).toEqual([2, 5]);
    // The limit itself is not reached as far as either knows: it is the share that is.
    expect(last.map(({ degraded }) => degraded)).toEqual(['reduced', 'reduced']);
    server.signal('SIGCONT');
    await Promise.all([a.ready(2), b.ready(2)]);
    expect(await a.admit(3, claim('x', 10))).toBe(0);
  });

  test('a closed limit admits nobody, an open one everybody, and the answer says why', async () => {
    await using server = await startRedis();
    await using node = new Node(server.url);
    await node.ready(1);
    await server.kill();
    await expect.poll(() => node.redis.isReady, { timeout: 10_000 }).toBe(false);
    expect(await node.decide(claim('c', 5, 'closed'))).toMatchObject({ isAdmitted: false, degraded: 'reduced' });
    expect(await node.admit(9, claim('o', 5, 'open'))).toBe(9);
    expect(await node.admit(9, claim('l', 5))).toBe(5);
    expect(await node.decide(claim('l', 5))).toMatchObject({ isAdmitted: false, degraded: 'decided' });
  });

  test('a node starts without it, and joins when it comes', async () => {
    const server = await startRedis();
    await server.kill();
    await using node = new Node(server.url);
    expect(await node.admit(5, claim('x', 3))).toBe(3);
    await server.restart();
    await node.ready(1);
    expect(await node.admit(5, claim('x', 3))).toBe(0);
    // Bringing is repeated until the store is whole: it changes nothing the second time.
    expect([...new Set(node.told)]).toEqual(['seeded 3', 'ready']);
    await server[Symbol.asyncDispose]();
  });
});

test('scripts that the server forgot are sent again', async () => {
  await using server = await startRedis();
  await using node = new Node(server.url);
  await node.ready(1);
  expect(await node.admit(2, claim('x', 3))).toBe(2);
  await server.command('SCRIPT', 'FLUSH');
  expect(await node.admit(5, claim('x', 3))).toBe(1);
  await sleep(1200);
  expect(node.told).toEqual(['ready']);
});
