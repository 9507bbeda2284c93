import { describe, expect, test } from 'vitest';
import { judge, judgeByClient, rateBound, type LoggedDecision } from '../../bench/chaos/oracle.ts';
import { fixedWindow, gcra, twoBuckets, type Limiter } from '../support/other-limiters.ts';
import { Dice } from '../support/dice.ts';
import { testSeed } from '../support/seed.ts';

const WINDOW_US = 1_000_000;
const LIMIT = 10;
const claims = [{ key: 'a', limit: LIMIT, windowUs: WINDOW_US, isDryRun: false }];
const decision = (atUs: number, isAdmitted: boolean, more: Partial<LoggedDecision> = {}): LoggedDecision => ({
  claims,
  cost: 1,
  atUs,
  isAdmitted,
  isFault: false,
  ...more,
});

function traffic(): number[] {
  const dice = new Dice(testSeed(), 0);
  let nowUs = 5 * WINDOW_US;
  return Array.from({ length: 20_000 }, () => (nowUs += dice.below(2) === 0 ? 0 : dice.below(200_000)));
}

/** The definition, word for word. */
function exact(): Limiter {
  const admitted: number[] = [];
  return (nowUs) => {
    if (admitted.filter((timeUs) => timeUs > nowUs - WINDOW_US).length >= LIMIT) return false;
    admitted.push(nowUs);
    return true;
  };
}

describe('decisions judged by the definition', () => {
  const accuracy = (limiter: Limiter) => judge(traffic().map((atUs) => decision(atUs, limiter(atUs))));

  test('an exact limiter makes no mistake, also near its limit', () => {
    const { falseNegatives, falsePositives, nearLimit, over } = accuracy(exact());
    expect([falseNegatives, falsePositives]).toEqual([0, 0]);
    expect(nearLimit).toBeGreaterThan(1000);
    expect(over).toBeGreaterThan(1000);
  });

  test.each([
    ['fixed windows', fixedWindow(LIMIT, WINDOW_US)],
    ['two buckets', twoBuckets(LIMIT, WINDOW_US)],
    ['GCRA', gcra(LIMIT, WINDOW_US)],
  ])('%s are caught', (_, limiter) => {
    expect(accuracy(limiter).falseNegatives).toBeGreaterThan(100);
  });

  test('a refusal with room is a false positive, one by a fault is counted apart, and a dry run decides nothing', () => {
    expect(judge([decision(1, false)])).toMatchObject({ falsePositives: 1, faultDenials: 0 });
    expect(judge([decision(1, false, { isFault: true })])).toMatchObject({ falsePositives: 0, faultDenials: 1 });
    const dry = [{ ...claims[0], isDryRun: true, limit: 0 }];
    expect(judge([decision(1, true, { claims: dry })])).toMatchObject({ falseNegatives: 0, over: 0, notOver: 1 });
  });

  test('of several limits the tightest decides, and costs count', () => {
    const both = [...claims, { key: 'b', limit: 3, windowUs: WINDOW_US, isDryRun: false }];
    const admitted = [1, 2].map((atUs) => decision(atUs, true, { claims: both, cost: 2 }));
    expect(judge(admitted)).toMatchObject({ over: 1, falseNegatives: 1 });
  });
});

describe('what a client knows for certain', () => {
  const request = (sentUs: number, isAdmitted: boolean) => ({ sentUs, receivedUs: sentUs + 1000, cost: 1, isAdmitted });

  test('more than the limit within less than a window is certain, whatever the clock of the server said', () => {
    const many = Array.from({ length: LIMIT + 1 }, (_, i) => request(i * 1000, true));
    expect(judgeByClient(many, LIMIT, WINDOW_US)).toMatchObject({ mostCertain: LIMIT + 1, overAdmissions: 1 });
    expect(judgeByClient(many.slice(1), LIMIT, WINDOW_US)).toMatchObject({ mostCertain: LIMIT, overAdmissions: 0 });
    // The last answer came a window after the first was sent: one of them may lie outside.
    const late = [...many.slice(0, LIMIT), { ...request(WINDOW_US - 1000, true) }];
    expect(judgeByClient(late, LIMIT, WINDOW_US)).toMatchObject({ overAdmissions: 0 });
  });

  test('a refusal is certainly false only if everything that may overlap leaves room', () => {
    const nine = Array.from({ length: LIMIT - 1 }, (_, i) => request(i, true));
    expect(judgeByClient([...nine, request(5000, false)], LIMIT, WINDOW_US).falseDenials).toBe(1);
    expect(judgeByClient([...nine, request(4500, true), request(5000, false)], LIMIT, WINDOW_US).falseDenials).toBe(0);
    expect(judgeByClient([...nine, request(5500, true), request(5000, false)], LIMIT, WINDOW_US).falseDenials).toBe(0);
    expect(judgeByClient([...nine, request(6500, true), request(5000, false)], LIMIT, WINDOW_US).falseDenials).toBe(1);
  });
});

test('nothing seen in n bounds a rate by about 4 / n', () => {
  expect(rateBound(0, 3000)).toBeLessThan(0.0013);
  expect(rateBound(0, 3000)).toBeGreaterThan(0.001);
  expect(rateBound(5, 10)).toBeGreaterThan(0.7);
  expect(rateBound(0, 0)).toBe(1);
});
