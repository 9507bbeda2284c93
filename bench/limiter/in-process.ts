import { setTimeout as sleep } from 'node:timers/promises';
import { EmbeddedStore } from '../../src/limiter/embedded-store.ts';
import type { Claim } from '../../src/limiter/limit-store.ts';
import { Dice } from '../../test/support/dice.ts';
import { consume, loadFlexible } from './peers.ts';
import { measureInTurn, type Measured } from './rounds.ts';

const KEYS = 10_000;
/** What fits the first caches of a processor; 10,000 do not. */
const FEW_KEYS = 100;
const LIMIT = 50;
const WINDOW_S = 1;
/** Decisions between two looks at the time. */
const BATCH = 10_000;
const KEYS_MAX = 1_000_000;
const SETTLE_MS = 50;

const clockUs = (): number => Math.floor(performance.now() * 1000);
const claim = (key: string, limit = LIMIT, windowUs = WINDOW_S * 1e6): Claim => ({
  key,
  rule: { limit, windowUs },
  cost: 1,
  onStoreFailure: 'local',
  isDryRun: false,
});

const addresses = Array.from({ length: KEYS }, (_, i) => `10.0.${i >> 8}.${i & 255}`);
/** Keys in no order that a cache of the processor could learn. */
const order = ((): Uint16Array => {
  const dice = new Dice(1, 0);
  return Uint16Array.from({ length: 1 << 16 }, () => dice.below(KEYS));
})();

function rateOf(seconds: number, decide: (index: number) => unknown): number {
  const startMs = performance.now();
  let done = 0;
  while (performance.now() - startMs < seconds * 1000) for (let i = 0; i < BATCH; i++) decide(order[done++ & 0xffff]);
  return (done * 1000) / (performance.now() - startMs);
}

async function rateOfAsync(seconds: number, decide: (index: number) => Promise<unknown>): Promise<number> {
  const startMs = performance.now();
  let done = 0;
  while (performance.now() - startMs < seconds * 1000) for (let i = 0; i < BATCH; i++) await decide(order[done++ & 0xffff]);
  return (done * 1000) / (performance.now() - startMs);
}

/** Decisions a second of one thread, 10,000 keys unless it says otherwise: of a window in memory, of two at once, and of the most used package of its kind. */
export function benchInMemory(seconds: number, rounds: number): Promise<Measured[]> {
  const one = addresses.map((address) => [claim(`ip:${address}`)]);
  const two = addresses.map((address, i) => [claim(`ip:${address}`), claim(`tenant:${i % 100}`, 1_000_000)]);
  const { RateLimiterMemory } = loadFlexible();
  const store = (): EmbeddedStore => new EmbeddedStore({ clockUs, keysMax: KEYS_MAX });
  const [single, double, few] = [store(), store(), store()];
  const ofFew = (index: number): Claim[] => one[index % FEW_KEYS];
  const flexible = new RateLimiterMemory({ points: LIMIT, duration: WINDOW_S });
  return measureInTurn(
    [
      { name: `ours, one window, ${FEW_KEYS} keys`, measure: () => rateOf(seconds, (index) => few.decide(ofFew(index))) },
      { name: 'ours, one window', measure: () => rateOf(seconds, (index) => single.decide(one[index])) },
      { name: 'ours, two windows at once', measure: () => rateOf(seconds, (index) => double.decide(two[index])) },
      { name: 'rate-limiter-flexible', measure: () => rateOfAsync(seconds, (index) => consume(flexible, addresses[index])) },
    ],
    rounds,
  );
}

export interface KeyMemory {
  readonly limit: number;
  readonly bytesPerKey: number;
}

/** Bytes of a key whose window is full, its name and everything else included. Needs --expose-gc. */
export async function benchMemoryPerKey(): Promise<KeyMemory[]> {
  const results: KeyMemory[] = [];
  // Kept: what one measurement frees would be missing in the next.
  const stores: EmbeddedStore[] = [];
  for (const [limit, keys] of [
    [10, 100_000],
    [100, 20_000],
    [1000, 5000],
  ] as const) {
    const before = await usedBytes();
    const store = new EmbeddedStore({ clockUs, keysMax: KEYS_MAX });
    for (let key = 0; key < keys; key++) {
      const claims = [claim(`ip:10.${key >> 16}.${(key >> 8) & 255}.${key & 255}`, limit, 3600e6)];
      for (let i = 0; i < limit; i++) store.decide(claims);
    }
    stores.push(store);
    const bytes = (await usedBytes()) - before;
    if (stores.some((each) => each.keys === 0) || store.keys !== keys) throw new Error('keys were forgotten');
    results.push({ limit, bytesPerKey: Math.round(bytes / keys) });
  }
  return results;
}

async function usedBytes(): Promise<number> {
  if (globalThis.gc === undefined) throw new Error('run with node --expose-gc');
  for (let i = 0; i < 3; i++) {
    globalThis.gc();
    await sleep(SETTLE_MS);
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
