import { setImmediate } from 'node:timers/promises';
import { performance } from 'node:perf_hooks';
import { connectRedis } from '../../src/limiter/redis-client.ts';
import { EmbeddedStore } from '../../src/limiter/embedded-store.ts';
import type { Claim, StoreAnswer } from '../../src/limiter/limit-store.ts';
import { STORE_FULL } from '../../src/limiter/limit-store.ts';
import { RedisStore } from '../../src/limiter/redis-store.ts';
import { SharedStore } from '../../src/limiter/shared-store.ts';
import { startRedis } from '../../test/support/redis-server.ts';
import { judge, type Accuracy, type LoggedDecision } from './oracle.ts';
import { limitOfAddress, makePlan } from './plan.ts';

/** Checks that wait for an answer at one time: what a few hundred connections would bring. */
const UNDER_WAY = 512;
const TIMEOUT_MS = 5000;
const KEYS_MAX = 1_000_000;
const READY_MS_MAX = 10_000;

export interface StoreResult {
  readonly decisions: number;
  readonly seconds: number;
  readonly decisionsPerS: number;
  readonly accuracy: Accuracy;
}

/** Checks of the plan straight at the shared store, without HTTP: as many as one process and one Redis server decide, all of them judged. */
export async function runStore(seconds: number, windowS: number, seed: number): Promise<StoreResult> {
  await using redis = await startRedis();
  const client = connectRedis({ urls: [redis.url], timeoutMs: TIMEOUT_MS });
  const whenReady = Promise.withResolvers<void>();
  const shared: RedisStore = new RedisStore({
    client,
    timeoutMs: TIMEOUT_MS,
    prefix: 'chaos:',
    ownStamps: (sinceUs) => own.newerThan(sinceUs),
    events: {
      ready: (isReady) => isReady && whenReady.resolve(),
      jumped: () => undefined,
      seeded: () => undefined,
      answered: () => undefined,
    },
  });
  const own = new EmbeddedStore({ clockUs: () => shared.nowUs(), keysMax: KEYS_MAX });
  const store = new SharedStore(shared, own);
  const timer = setTimeout(() => whenReady.reject(new Error('Redis was not ready')), READY_MS_MAX);
  try {
    await whenReady.promise;
    clearTimeout(timer);
    return await drive(store, seconds, windowS, seed);
  } finally {
    clearTimeout(timer);
    await shared[Symbol.asyncDispose]();
    client.disconnect();
  }
}

async function drive(store: SharedStore, seconds: number, windowS: number, seed: number): Promise<StoreResult> {
  // A plan for about the rate that is reached: keys are near their limits then.
  const plan = makePlan(30_000, windowS, seed);
  const windowUs = windowS * 1e6;
  const decisions: LoggedDecision[] = [];
  const claimsOf = (index: number): Claim[] => {
    const { address, tenant, cost } = plan.request(index);
    const same = { cost, onStoreFailure: 'local', isDryRun: false } as const;
    const ip = { key: `ip:${address}`, rule: { limit: limitOfAddress(address), windowUs }, ...same };
    return [ip, { key: `tenant:${tenant}`, rule: { limit: plan.limitOfTenant(tenant), windowUs }, ...same }];
  };
  const note = (claims: readonly Claim[], answer: StoreAnswer): void => {
    if (answer === STORE_FULL) throw new Error('the table of keys is full');
    decisions.push({
      claims: claims.map(({ key, rule, isDryRun }) => ({ key, ...rule, isDryRun })),
      cost: claims[0].cost,
      atUs: answer.nowUs,
      isAdmitted: answer.isAdmitted,
      isFault: answer.degraded !== undefined,
    });
  };
  const startMs = performance.now();
  const endMs = startMs + seconds * 1000;
  let index = 0;
  const worker = async (): Promise<void> => {
    while (performance.now() < endMs) {
      const claims = claimsOf(index++);
      note(claims, await store.decide(claims));
    }
  };
  await Promise.all(Array.from({ length: UNDER_WAY }, worker));
  const elapsed = (performance.now() - startMs) / 1000;
  await setImmediate();
  return {
    decisions: decisions.length,
    seconds: elapsed,
    decisionsPerS: Math.round(decisions.length / elapsed),
    accuracy: judge(decisions),
  };
}
