import { expect, test } from 'vitest';
import { canonicalJson } from '../../src/kernel/canonical-json.ts';
import { PAYLOAD_BYTES_MAX } from '../../src/kernel/leaf.ts';
import { DenialLog } from '../../src/limiter/denial-log.ts';
import { tenantKey } from '../../src/limiter/tenant.ts';
import { Dice } from '../support/dice.ts';
import { testSeed } from '../support/seed.ts';

type Denials = { readonly denials: Record<string, { denied: number; keys: Record<string, number>; other: number }> };

test('a flood makes one record whose sums are the number of denials', () => {
  const dice = new Dice(testSeed(), 0);
  const log = new DenialLog();
  const counted = new Map<string, number>();
  for (let i = 0; i < 50_000; i++) {
    const [limit, key] = [dice.once(3) ? 'tenant' : 'ip', `10.0.${dice.below(3)}.${dice.below(100)}`];
    log.count(limit, key);
    counted.set(`${limit} ${key}`, (counted.get(`${limit} ${key}`) ?? 0) + 1);
  }
  const { denials } = log.take() as Denials;
  let total = 0;
  for (const [limit, { denied, keys, other }] of Object.entries(denials)) {
    expect(Object.values(keys).reduce((sum, count) => sum + count, other)).toBe(denied);
    for (const [key, count] of Object.entries(keys)) expect(count).toBe(counted.get(`${limit} ${key}`));
    total += denied;
  }
  expect(total).toBe(50_000);
  expect(log.take()).toBeUndefined();
});

test('the largest record fits a leaf', () => {
  const log = new DenialLog();
  // As many limits as a file may have, and what a tenant's name may be at worst.
  for (let limit = 0; limit < 16; limit++)
    for (let key = 0; key < 300; key++) log.count(`${limit}`.padStart(32, 'n'), tenantKey(`${key}`.padEnd(128, '"')));
  expect(Buffer.byteLength(canonicalJson(log.take() ?? null))).toBeLessThanOrEqual(PAYLOAD_BYTES_MAX);
});
