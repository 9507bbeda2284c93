import { afterAll, beforeAll } from 'vitest';
import { RedisStore } from '../../src/limiter/redis-store.ts';
import { describeLimitStore } from '../support/limit-store-laws.ts';
import { startRedis, type RedisServer } from '../support/redis-server.ts';

let server: RedisServer;
let stores = 0;
beforeAll(async () => {
  server = await startRedis();
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

describeLimitStore('windows in a Redis server', async () => {
  let clockUs = 0;
  const store = new RedisStore({ url: server.url, prefix: `test:${stores++}:`, clockUs: () => clockUs });
  await store.ready();
  return {
    store,
    setClock: (nowUs) => {
      clockUs = nowUs;
    },
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  };
});
