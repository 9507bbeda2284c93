import fc from 'fast-check';
import { expect, test } from 'vitest';
import { EmbeddedStore } from '../../src/limiter/embedded-store.ts';
import { STORE_FULL, type Claim } from '../../src/limiter/limit-store.ts';
import { charge, viewWindow, type Stamps } from '../../src/limiter/window.ts';
import { fitsOf, LimiterReference } from '../support/limiter-reference.ts';
import { testSeed } from '../support/seed.ts';

const seed = testSeed();
const RUNS = 10_000;
const STEPS_MAX = 60;

const rule = fc.record({ limit: fc.integer({ min: 0, max: 8 }), windowUs: fc.integer({ min: 1, max: 50 }) });
const step = fc.record({
  waitUs: fc.integer({ min: 0, max: 12 }),
  claims: fc.uniqueArray(fc.record({ limit: fc.nat(2), key: fc.nat(1), cost: fc.integer({ min: 1, max: 4 }) }), {
    minLength: 1,
    maxLength: 3,
    selector: ({ limit, key }) => `${limit} ${key}`,
  }),
});
const trace = fc.record({
  rules: fc.tuple(rule, rule, rule),
  dryRuns: fc.tuple(fc.boolean(), fc.boolean(), fc.boolean()),
  steps: fc.array(step, { minLength: 1, maxLength: STEPS_MAX }),
});
type Trace = typeof trace extends fc.Arbitrary<infer T> ? T : never;

function claimsOf({ rules, dryRuns }: Trace, claims: Trace['steps'][number]['claims']): Claim[] {
  return claims.map(({ limit, key, cost }) => ({
    key: `${limit}:${key}`,
    rule: rules[limit],
    cost,
    onStoreFailure: 'local',
    isDryRun: dryRuns[limit],
  }));
}

/** Decisions that were compared: the acceptance asks for 10^5 and more. */
let compared = 0;

test('embedded store = pure model = filter and count, for random limits, costs, keys and dry runs', () => {
  fc.assert(
    fc.property(trace, (each) => {
      let nowUs = 1_000_000;
      const store = new EmbeddedStore({ clockUs: () => nowUs, keysMax: 100 });
      const reference = new LimiterReference();
      const model = new Map<string, Stamps>();
      for (const { waitUs, claims: drawn } of each.steps) {
        nowUs += waitUs;
        const claims = claimsOf(each, drawn);
        const waits = claims.map((claim) => reference.wait(claim, nowUs));
        const left = claims.map(({ key, rule: { limit, windowUs } }) => Math.max(0, limit - reference.held(key, windowUs, nowUs)));
        const views = claims.map((claim) => viewWindow(model.get(claim.key) ?? [], claim.rule, claim.cost, nowUs));
        const verdict = store.decide(claims);
        if (verdict === STORE_FULL) throw new Error('a hundred keys are enough here');
        expect(fitsOf(verdict)).toEqual(reference.decide(claims, nowUs));
        expect(verdict.views).toEqual(views);
        expect(views.map(({ retryAfterUs }) => retryAfterUs)).toEqual(waits);
        expect(views.map(({ remaining }) => remaining)).toEqual(left);
        if (verdict.isAdmitted) for (const { key, rule: r, cost } of claims) model.set(key, charge(model.get(key) ?? [], r, cost, nowUs));
        compared += claims.length;
      }
    }),
    { seed, numRuns: RUNS },
  );
  expect(compared).toBeGreaterThan(100_000);
});
