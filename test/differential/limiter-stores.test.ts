import { expect, test } from 'vitest';
import { EmbeddedStore } from '../../src/limiter/embedded-store.ts';
import { STORE_FULL, type Claim } from '../../src/limiter/limit-store.ts';
import { connectRedis } from '../../src/limiter/redis-client.ts';
import { RedisStore } from '../../src/limiter/redis-store.ts';
import { Dice } from '../support/dice.ts';
import { fitsOf, LimiterReference } from '../support/limiter-reference.ts';
import { startRedis } from '../support/redis-server.ts';
import { testSeed } from '../support/seed.ts';

const TRACES = 100_000;
const STEPS = 12;
/** Traces with one sequence of times: their steps travel in one script. */
const SIDE_BY_SIDE = 500;
const KEYS_MAX = 10_000;
const TIMEOUT_MS = 30_000;
const RUN_MS_MAX = 300_000;

/** Limits, windows, costs and keys of one trace, which shares no key with another. */
interface Trace {
  readonly reference: LimiterReference;
  readonly next: () => Claim[];
}

function makeTrace(dice: Dice, name: string): Trace {
  const rules = [0, 1].map(() => ({ limit: dice.below(6), windowUs: 1 + dice.below(40) }));
  const isDryRun = dice.once(6);
  const next = (): Claim[] =>
    rules.slice(0, 1 + dice.below(2)).map((rule, i) => ({
      key: `${name}:${i}:${dice.below(2)}`,
      rule,
      cost: dice.once(3) ? 1 + dice.below(4) : 1,
      onStoreFailure: 'local',
      isDryRun: i === 1 && isDryRun,
    }));
  return { reference: new LimiterReference(), next };
}

/** Most steps are short against the windows; some go to their very edges. */
function gapUs(dice: Dice): number {
  return dice.once(4) ? 0 : dice.once(5) ? 38 + dice.below(5) : dice.below(9);
}

test(
  `in memory = in Redis = filter and count, over ${TRACES.toLocaleString('en')} random traces`,
  async () => {
    await using server = await startRedis();
    const client = connectRedis({ urls: [server.url], timeoutMs: TIMEOUT_MS });
    let nowUs = 1_800_000_000_000_000;
    const shared = new RedisStore({
      client,
      timeoutMs: TIMEOUT_MS,
      prefix: 'p:',
      ownStamps: () => [],
      events: { ready: () => undefined, jumped: () => undefined, seeded: () => undefined, answered: () => undefined },
      clockUs: () => nowUs,
    });
    const seed = testSeed();
    const seen = { admitted: 0, denied: 0 };
    try {
      await expect.poll(() => shared.isReady, { timeout: 10_000, interval: 5 }).toBe(true);
      for (let group = 0; group < TRACES / SIDE_BY_SIDE; group++) {
        const dice = new Dice(seed, group);
        const embedded = new EmbeddedStore({ clockUs: () => nowUs, keysMax: KEYS_MAX });
        const traces = Array.from({ length: SIDE_BY_SIDE }, (_, i) => makeTrace(dice, `${group}.${i}`));
        for (let step = 0; step < STEPS; step++) {
          nowUs += gapUs(dice);
          const asked = traces.map(({ next }) => next());
          const answers = await Promise.all(asked.map((claims) => shared.decide(claims)));
          for (const [i, claims] of asked.entries()) {
            const waits = claims.map((claim) => traces[i].reference.wait(claim, nowUs));
            const fits = traces[i].reference.decide(claims, nowUs);
            const own = embedded.decide(claims);
            if (own === STORE_FULL) throw new Error('there is room for all keys');
            // One comparison for each is a matter of minutes; a difference is told in full.
            const isSame =
              String(fitsOf(own)) === String(fits) &&
              String(fitsOf(answers[i])) === String(fits) &&
              own.views.every(({ retryAfterUs }, at) => retryAfterUs === waits[at]) &&
              own.views.every(({ remaining, retryAfterUs, resetUs }, at) => {
                const other = answers[i].views[at];
                return other.remaining === remaining && other.retryAfterUs === retryAfterUs && other.resetUs === resetUs;
              });
            if (!isSame) expect({ group, i, step, claims, own: own.views, redis: answers[i].views }).toEqual({ fits, waits });
            if (own.isAdmitted) seen.admitted++;
            else seen.denied++;
          }
        }
      }
    } finally {
      await shared[Symbol.asyncDispose]();
      client.disconnect();
    }
    expect(seen.admitted + seen.denied).toBe(TRACES * STEPS);
    expect(Math.min(seen.admitted, seen.denied)).toBeGreaterThan(TRACES);
  },
  RUN_MS_MAX,
);
