import { describe, expect, test } from 'vitest';
import { STORE_FULL, type Claim, type LimitStore, type StoreVerdict } from '../../src/limiter/limit-store.ts';
import { STEP_BACK_US_MAX } from '../../src/limiter/window.ts';
import { Dice } from './dice.ts';
import { fitsOf, LimiterReference } from './limiter-reference.ts';
import { testSeed } from './seed.ts';

/** A store whose clock is in the test's hand. */
export interface StoreInHand extends AsyncDisposable {
  readonly store: LimitStore;
  setClock(nowUs: number): void;
}

const START_US = 1_800_000_000_000_000;
const WINDOW_US = 10_000_000;
const TRACES = 40;
const STEPS = 60;

const claim = (key: string, limit: number, cost = 1, isDryRun = false): Claim => ({
  key,
  rule: { limit, windowUs: WINDOW_US },
  cost,
  onStoreFailure: 'local',
  isDryRun,
});

/** What every store of windows owes, whatever it keeps them in. `open` makes an empty one. */
export function describeLimitStore(name: string, open: () => Promise<StoreInHand>): void {
  const decided = async ({ store }: StoreInHand, claims: readonly Claim[], tag?: string): Promise<StoreVerdict> => {
    const answer = await store.decide(claims, tag);
    if (answer === STORE_FULL) throw new Error('the store is full');
    return answer;
  };
  const admitted = async (hand: StoreInHand, claims: readonly Claim[], tag?: string): Promise<boolean> =>
    (await decided(hand, claims, tag)).isAdmitted;

  describe(`a store of windows: ${name}`, () => {
    test('and so with limits of hundreds, which are read in another way', async () => {
      const dice = new Dice(testSeed(), 1);
      await using hand = await open();
      const reference = new LimiterReference();
      let nowUs = START_US;
      const seen = new Set<boolean>();
      for (let step = 0; step < 300; step++) {
        nowUs += dice.below(4);
        hand.setClock(nowUs);
        // On both sides of what is read at once, and a limit that changes under its key.
        const claims = [500, 512, 513, 700].map((limit, i): Claim => ({
          key: `large:${i}`,
          rule: { limit: limit - dice.below(2), windowUs: 60 },
          cost: 1 + dice.below(40),
          onStoreFailure: 'local',
          isDryRun: i > 0,
        }));
        const waits = claims.map((each) => reference.wait(each, nowUs));
        const left = claims.map(({ key, rule: { limit, windowUs } }) => Math.max(0, limit - reference.held(key, windowUs, nowUs)));
        const verdict = await decided(hand, claims);
        expect(fitsOf(verdict)).toEqual(reference.decide(claims, nowUs));
        expect(verdict.views.map(({ retryAfterUs }) => retryAfterUs)).toEqual(waits);
        expect(verdict.views.map(({ remaining }) => remaining)).toEqual(left);
        for (const { isAdmitted } of verdict.views) seen.add(isAdmitted);
      }
      expect(seen.size).toBe(2);
    });

    test('decides like filter and count over everything ever admitted', async () => {
      const dice = new Dice(testSeed(), 0);
      for (let trace = 0; trace < TRACES; trace++) {
        await using hand = await open();
        const reference = new LimiterReference();
        const rules = [0, 1, 2].map(() => ({ limit: dice.below(8), windowUs: 1 + dice.below(60) }));
        let nowUs = START_US;
        for (let step = 0; step < STEPS; step++) {
          nowUs += dice.below(12);
          hand.setClock(nowUs);
          const claims = rules.flatMap((rule, i): Claim[] =>
            dice.once(3)
              ? []
              : [{ key: `${trace}:${i}:${dice.below(2)}`, rule, cost: 1 + dice.below(3), onStoreFailure: 'local', isDryRun: dice.once(5) }],
          );
          if (claims.length === 0) continue;
          const waits = claims.map((each) => reference.wait(each, nowUs));
          const verdict = await decided(hand, claims);
          expect(fitsOf(verdict)).toEqual(reference.decide(claims, nowUs));
          expect(verdict.views.map(({ retryAfterUs }) => retryAfterUs)).toEqual(waits);
          expect(verdict.nowUs).toBe(nowUs);
        }
      }
    });

    test('charges all keys of a check or none', async () => {
      await using hand = await open();
      hand.setClock(START_US);
      expect(await admitted(hand, [claim('a', 5), claim('b', 1)])).toBe(true);
      expect(await admitted(hand, [claim('a', 5), claim('b', 1)])).toBe(false);
      const { views } = await decided(hand, [claim('a', 5)]);
      expect(views[0].remaining).toBe(4);
    });

    test('a look charges nothing', async () => {
      await using hand = await open();
      hand.setClock(START_US);
      for (let i = 0; i < 3; i++) expect((await hand.store.look([claim('a', 1)])).isAdmitted).toBe(true);
      expect(await admitted(hand, [claim('a', 1)])).toBe(true);
      expect((await hand.store.look([claim('a', 1)])).isAdmitted).toBe(false);
    });

    test('the window is half open: what is exactly one window old is outside', async () => {
      await using hand = await open();
      hand.setClock(START_US);
      expect(await admitted(hand, [claim('a', 1)])).toBe(true);
      hand.setClock(START_US + WINDOW_US - 1);
      expect((await decided(hand, [claim('a', 1)])).views[0]).toMatchObject({ isAdmitted: false, retryAfterUs: 1, resetUs: 1 });
      hand.setClock(START_US + WINDOW_US);
      expect(await admitted(hand, [claim('a', 1)])).toBe(true);
    });

    test('a dry run refuses nobody, and counts what it would have admitted', async () => {
      await using hand = await open();
      hand.setClock(START_US);
      for (let i = 0; i < 3; i++) expect(await admitted(hand, [claim('a', 2, 1, true), claim('b', 9)])).toBe(true);
      const { views } = await decided(hand, [claim('a', 2, 1, true)]);
      expect(views[0]).toMatchObject({ isAdmitted: false, remaining: 0 });
    });

    test('what costs more than the limit is never admitted, and no wait is promised', async () => {
      await using hand = await open();
      hand.setClock(START_US);
      expect((await decided(hand, [claim('a', 3, 4)])).views[0]).toMatchObject({ isAdmitted: false, retryAfterUs: Infinity });
      expect((await decided(hand, [claim('ban', 0)])).views[0]).toMatchObject({ isAdmitted: false, retryAfterUs: Infinity, remaining: 0 });
      expect(await admitted(hand, [claim('a', 3, 3)])).toBe(true);
    });

    test('a raised limit is exact at once, a lowered one as soon as what is in the window allows it', async () => {
      await using hand = await open();
      hand.setClock(START_US);
      for (let i = 0; i < 4; i++) expect(await admitted(hand, [claim('a', 4)])).toBe(true);
      expect(await admitted(hand, [claim('a', 2)])).toBe(false);
      expect((await decided(hand, [claim('a', 6, 2)])).views[0]).toMatchObject({ isAdmitted: true, remaining: 2 });
      expect(await admitted(hand, [claim('a', 6)])).toBe(false);
      hand.setClock(START_US + WINDOW_US);
      expect(await admitted(hand, [claim('a', 2, 2)])).toBe(true);
    });

    test('a clock that steps back a little admits nothing too much', async () => {
      await using hand = await open();
      hand.setClock(START_US);
      expect(await admitted(hand, [claim('a', 2)])).toBe(true);
      hand.setClock(START_US - STEP_BACK_US_MAX);
      expect((await decided(hand, [claim('a', 2)])).nowUs).toBe(START_US);
      expect(await admitted(hand, [claim('a', 2)])).toBe(false);
      hand.setClock(START_US + WINDOW_US - 1);
      expect(await admitted(hand, [claim('a', 2)])).toBe(false);
    });

    test('a clock that steps back an hour admits nothing too much, and refuses for no longer than a window', async () => {
      await using hand = await open();
      hand.setClock(START_US);
      expect(await admitted(hand, [claim('a', 1)])).toBe(true);
      const backUs = START_US - 3_600_000_000;
      hand.setClock(backUs);
      expect(await admitted(hand, [claim('a', 1)])).toBe(false);
      hand.setClock(backUs + WINDOW_US - 1);
      expect(await admitted(hand, [claim('a', 1)])).toBe(false);
      hand.setClock(backUs + WINDOW_US);
      expect(await admitted(hand, [claim('a', 1)])).toBe(true);
    });

    test('a repeated request gets the first answer four times within five seconds, and is charged once', async () => {
      await using hand = await open();
      hand.setClock(START_US);
      const first = await decided(hand, [claim('a', 3)], 'tag');
      for (let i = 0; i < 4; i++) {
        hand.setClock(START_US + 1 + i);
        expect(await decided(hand, [claim('a', 3)], 'tag')).toEqual({ ...first, isReplay: true });
      }
      expect((await decided(hand, [claim('a', 3)], 'tag')).views[0].remaining).toBe(2);
      expect((await decided(hand, [claim('a', 3)], 'other')).views[0].remaining).toBe(1);
      expect(await admitted(hand, [claim('a', 3)], 'third')).toBe(false);
      expect(await admitted(hand, [claim('a', 3)], 'third')).toBe(false);
    });

    test('five seconds after the first decision the same request is a new one', async () => {
      await using hand = await open();
      hand.setClock(START_US);
      expect((await decided(hand, [claim('a', 3)], 'tag')).views[0].remaining).toBe(3);
      hand.setClock(START_US + 4_999_999);
      expect((await decided(hand, [claim('a', 3)], 'tag')).views[0].remaining).toBe(3);
      hand.setClock(START_US + 5_000_000);
      expect((await decided(hand, [claim('a', 3)], 'tag')).views[0].remaining).toBe(2);
    });
  });
}
