import { join } from 'node:path';
import { expect, test } from 'vitest';
import { sourceHash } from '../../proofs/check/project.ts';
import { COMPONENTS } from '../../proofs/difftest/components.ts';
import { assertCurrent, readCorpus } from '../../proofs/difftest/corpus.ts';
import { WINDOW_GROUP_CASES, type WindowAnswer, type WindowCase } from '../../proofs/difftest/window-cases.ts';
import type { Claim } from '../../src/limiter/limit-store.ts';
import { connectRedis } from '../../src/limiter/redis-client.ts';
import { RedisStore } from '../../src/limiter/redis-store.ts';
import { startRedis } from '../support/redis-server.ts';

const root = join(import.meta.dirname, '../..');
const CASES_MIN = 10_000;
const TIMEOUT_MS = 30_000;
const RUN_MS_MAX = 300_000;
/** Times of the corpus begin at 0; a server has seen later ones. */
const EPOCH_US = 1_800_000_000_000_000;
/** Between groups of traces, so that time never goes back. */
const GROUP_US = 1_000_000;

test.each(COMPONENTS.map(({ name }) => name))('every stored answer of Lean is the answer of the code: %s', (name) => {
  const corpus = readCorpus(root, name);
  assertCurrent(corpus, name, sourceHash(join(root, 'proofs')));
  expect(corpus.cases.length).toBeGreaterThanOrEqual(CASES_MIN);
  const component = COMPONENTS.find((candidate) => candidate.name === name);
  const differing = corpus.cases.filter(({ input, answer }) => component?.agrees(input, answer) !== true);
  expect(differing).toEqual([]);
});

test('a corpus about other proofs is refused', () => {
  expect(() => assertCurrent({ sourceHash: '0'.repeat(64) }, 'limiter-window', sourceHash(join(root, 'proofs')))).toThrow(
    'the corpus "limiter-window" is about other proofs than these (npm run vectors)',
  );
});

test('an answer that is not the one of Lean is noticed, whichever it is', () => {
  for (const component of COMPONENTS) {
    const { input, answer } = readCorpus(root, component.name).cases[0];
    expect(component.agrees(input, answer)).toBe(true);
    const spoiled = JSON.parse(JSON.stringify(answer).replace(/true|\d/, (found) => (found === 'true' ? 'false' : '9'))) as unknown;
    expect(component.agrees(input, spoiled)).toBe(false);
  }
});

test(
  'every stored answer of Lean is the answer of the script in a Redis server',
  async () => {
    await using server = await startRedis();
    const client = connectRedis({ urls: [server.url], timeoutMs: TIMEOUT_MS });
    let nowUs = EPOCH_US;
    const store = new RedisStore({
      client,
      timeoutMs: TIMEOUT_MS,
      prefix: 'p:',
      ownStamps: () => [],
      events: { ready: () => undefined, jumped: () => undefined, seeded: () => undefined, answered: () => undefined },
      clockUs: () => nowUs,
    });
    try {
      await expect.poll(() => store.isReady, { timeout: 10_000, interval: 5 }).toBe(true);
      const { cases } = readCorpus(root, 'limiter-window');
      for (let from = 0; from < cases.length; from += WINDOW_GROUP_CASES) {
        const group = cases.slice(from, from + WINDOW_GROUP_CASES);
        const inputs = group.map(({ input }) => input as WindowCase);
        const beganUs = nowUs + GROUP_US;
        for (const [step, [timeUs]] of inputs[0].requests.entries()) {
          nowUs = beganUs + timeUs;
          const claims = inputs.map(({ limit, windowUs, requests }, i): Claim => {
            const cost = requests[step][1];
            return { key: `${from + i}`, rule: { limit, windowUs }, cost, onStoreFailure: 'local', isDryRun: false };
          });
          const verdicts = await Promise.all(claims.map((claim) => store.decide([claim])));
          const said = verdicts.map(({ isAdmitted, views }) => [isAdmitted, views[0].remaining]);
          expect(said).toEqual(group.map(({ answer }) => (answer as WindowAnswer)[step]));
        }
      }
    } finally {
      await store[Symbol.asyncDispose]();
      client.disconnect();
    }
  },
  RUN_MS_MAX,
);
