import { expect, test } from 'vitest';
import type { Json } from '../../src/kernel/canonical-json.ts';
import { LEAF_TYPES } from '../../src/kernel/leaf.ts';
import { recordFault } from '../../src/verify/record-shape.ts';

const HASH = 'ab'.repeat(32);
const whole = {
  action: 'rollback',
  actor: 'alice',
  attempt: 'a',
  from: { sha256: HASH, version: 2 },
  name: 'app.json',
  outcome: 'done',
  reason: 'why',
  recovered: true,
  restores: 1,
  to: { bytes: 3, sha256: HASH, version: 3 },
};

test.each<[string, Json, boolean]>([
  ['whole', whole, true],
  ['with what it must have', { action: 'hold', name: 'a', outcome: 'refused' }, true],
  ['about a content without a version', { action: 'put', name: 'a', outcome: 'refused', to: { bytes: 0, sha256: HASH } }, true],
  ['without a name', { action: 'hold', outcome: 'done' }, false],
  ['without an outcome', { action: 'hold', name: 'a' }, false],
  ['of an unknown action', { ...whole, action: 'forget' }, false],
  ['of an unknown outcome', { ...whole, outcome: 'maybe' }, false],
  ['from a version without a hash', { ...whole, from: { version: 2 } }, false],
  ['to something else than a hash', { ...whole, to: { sha256: 'x' } }, false],
  ['with a field that it does not have', { ...whole, more: 1 }, false],
  ['whose recovery is denied', { ...whole, recovered: false }, false],
])('a version-change %s: %s', (_, payload, isGood) => {
  expect(recordFault(LEAF_TYPES.versionChange, payload) === undefined).toBe(isGood);
});
