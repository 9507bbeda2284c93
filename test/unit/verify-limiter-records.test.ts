import { expect, test } from 'vitest';
import type { Json } from '../../src/kernel/canonical-json.ts';
import { LEAF_TYPES } from '../../src/kernel/leaf.ts';
import { recordFault } from '../../src/verify/record-shape.ts';

const denials = (limit: Json): Json => ({ denials: { ip: limit } });

test.each([
  [{ denied: 7, keys: { '1.2.3.4': 4, '1.2.3.5': 2 }, other: 1 }, true],
  [{ denied: 1, keys: {}, other: 1 }, true],
  // The sum is the promise.
  [{ denied: 8, keys: { '1.2.3.4': 4, '1.2.3.5': 2 }, other: 1 }, false],
  [{ denied: 6, keys: { '1.2.3.4': 4, '1.2.3.5': 2 }, other: 1 }, false],
  [{ denied: 0, keys: { '1.2.3.4': 0 }, other: 0 }, false],
  [{ denied: 1, keys: { '1.2.3.4': 1 } }, false],
  [{ denied: 1, keys: { '1.2.3.4': 1 }, other: 0, more: 1 }, false],
  [{ denied: 1.5, keys: { '1.2.3.4': 1.5 }, other: 0 }, false],
  [[], false],
  [null, false],
])('denials %j are a record: %s', (limit, isGood) => {
  expect(recordFault(LEAF_TYPES.limiterAggregate, denials(limit)) === undefined).toBe(isGood);
});

test.each([
  [{ limits: 'a'.repeat(64) }, true],
  [{ limits: 'a'.repeat(63) }, false],
  [{ limits: 'a'.repeat(64), more: 1 }, false],
])('a config record %j: %s', (payload, isGood) => {
  expect(recordFault(LEAF_TYPES.config, payload) === undefined).toBe(isGood);
});
