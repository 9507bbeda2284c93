import { expect, test } from 'vitest';
import { TopDenied } from '../../src/limiter/top-denied.ts';
import { Dice } from '../support/dice.ts';
import { testSeed } from '../support/seed.ts';

test('few keys are counted exactly, most refused first, and each take begins anew', () => {
  const top = new TopDenied();
  for (const key of ['a', 'b', 'b', 'c', 'b', 'c']) top.count('ip', key);
  top.count('tenant', 'b');
  const taken = top.take();
  expect(taken.slice(0, 2)).toEqual([
    { limit: 'ip', key: 'b', denied: 3 },
    { limit: 'ip', key: 'c', denied: 2 },
  ]);
  expect(taken).toHaveLength(4);
  expect(top.take()).toEqual([]);
});

test('who is refused often stands out of any number of others, never counted too high', () => {
  const [top, dice] = [new TopDenied(), new Dice(testSeed(), 0)];
  const truth = new Map<string, number>();
  for (let i = 0; i < 50_000; i++) {
    const key = dice.once(10) ? 'flood' : `one-of-many-${dice.below(30_000)}`;
    truth.set(key, (truth.get(key) ?? 0) + 1);
    top.count('ip', key);
  }
  const taken = top.take();
  expect(taken).toHaveLength(10);
  expect(taken[0].key).toBe('flood');
  expect(taken[0].denied).toBeGreaterThan(0.9 * (truth.get('flood') ?? 0));
  for (const { key, denied } of taken) expect(denied).toBeLessThanOrEqual(truth.get(key) ?? 0);
});
