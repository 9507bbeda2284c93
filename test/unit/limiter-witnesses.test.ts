import { describe, expect, test } from 'vitest';
import { EmbeddedStore } from '../../src/limiter/embedded-store.ts';
import { STORE_FULL } from '../../src/limiter/limit-store.ts';
import { fixedWindow, gcra, twoBuckets, type Limiter } from '../support/other-limiters.ts';

const LIMIT = 20;
const WINDOW_US = 1_000_000;
/** A burst right before a calendar window ends, then a request each millisecond for a window. */
const BURST_US = 2 * WINDOW_US - 1;
const STEP_US = 1000;

function ours(limit: number, windowUs: number): Limiter {
  let clockUs = 0;
  const store = new EmbeddedStore({ clockUs: () => clockUs, keysMax: 1 });
  return (nowUs) => {
    clockUs = nowUs;
    const verdict = store.decide([{ key: 'a', rule: { limit, windowUs }, cost: 1, onStoreFailure: 'local', isDryRun: false }]);
    return verdict !== STORE_FULL && verdict.isAdmitted;
  };
}

function admittedOf(limiter: Limiter, timesUs: readonly number[]): number[] {
  return timesUs.filter((timeUs) => limiter(timeUs));
}

/** The most that were admitted in any window (t − τ, t]. */
function mostInWindow(admittedUs: readonly number[]): number {
  return Math.max(...admittedUs.map((endUs) => admittedUs.filter((timeUs) => timeUs > endUs - WINDOW_US && timeUs <= endUs).length));
}

const BURST_THEN_STREAM = [
  ...Array.from({ length: 2 * LIMIT }, () => BURST_US),
  ...Array.from({ length: WINDOW_US / STEP_US - 1 }, (_, i) => BURST_US + 1 + i * STEP_US),
];

describe('a burst at the end of a calendar window, then a stream', () => {
  test.each([
    ['a fixed window', fixedWindow],
    ['two buckets', twoBuckets],
    ['GCRA', gcra],
  ])('%s admits 2R − 1 or more in one trailing window', (_, limiter) => {
    expect(mostInWindow(admittedOf(limiter(LIMIT, WINDOW_US), BURST_THEN_STREAM))).toBeGreaterThanOrEqual(2 * LIMIT - 1);
  });

  test('ours admits R', () => {
    expect(mostInWindow(admittedOf(ours(LIMIT, WINDOW_US), BURST_THEN_STREAM))).toBe(LIMIT);
  });
});

describe('a full window that has just emptied', () => {
  const times = [...Array.from({ length: LIMIT }, () => WINDOW_US), 2 * WINDOW_US + 10];

  test('two buckets refuse although nothing is in the trailing window', () => {
    expect(admittedOf(twoBuckets(LIMIT, WINDOW_US), times)).toHaveLength(LIMIT);
  });

  test('ours admits', () => {
    expect(admittedOf(ours(LIMIT, WINDOW_US), times)).toHaveLength(LIMIT + 1);
  });
});
