import { expect, test } from 'vitest';
import { EmbeddedStore } from '../../src/limiter/embedded-store.ts';
import { STORE_FULL, type Claim } from '../../src/limiter/limit-store.ts';
import { describeLimitStore } from '../support/limit-store-laws.ts';

const WINDOW_US = 1_000_000;
const claim = (key: string): Claim => ({ key, rule: { limit: 2, windowUs: WINDOW_US }, cost: 1, onStoreFailure: 'local', isDryRun: false });

describeLimitStore('windows in memory', async () => {
  let clockUs = 0;
  const store = new EmbeddedStore({ clockUs: () => clockUs, keysMax: 1000 });
  return {
    store,
    setClock: (nowUs) => {
      clockUs = nowUs;
    },
    [Symbol.asyncDispose]: async () => undefined,
  };
});

test('a table full of live keys says so, forgets none of them, and takes new ones when they have aged', () => {
  let clockUs = 0;
  const store = new EmbeddedStore({ clockUs: () => clockUs, keysMax: 100 });
  for (let i = 0; i < 100; i++) expect(store.decide([claim(`${i}`)])).not.toBe(STORE_FULL);
  for (let i = 100; i < 200; i++) expect(store.decide([claim(`${i}`)])).toBe(STORE_FULL);
  expect(store.keys).toBe(100);
  // The old ones are as exact as ever.
  expect(store.decide([claim('7')])).toMatchObject({ isAdmitted: true });
  expect(store.decide([claim('7')])).toMatchObject({ isAdmitted: false });
  clockUs = WINDOW_US;
  for (let i = 100; i < 200; i++) expect(store.decide([claim(`${i}`)])).not.toBe(STORE_FULL);
  expect(store.keys).toBeLessThanOrEqual(100);
});

test('keys that have aged do not stay for ever', () => {
  let clockUs = 0;
  const store = new EmbeddedStore({ clockUs: () => clockUs, keysMax: 1_000_000 });
  for (let i = 0; i < 10_000; i++) {
    clockUs += 1000;
    store.decide([claim(`${i}`)]);
  }
  // A thousand of them are live.
  expect(store.keys).toBeLessThan(2500);
});
