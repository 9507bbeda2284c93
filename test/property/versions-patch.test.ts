import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  applyOps,
  applyPatch,
  compose,
  composeOps,
  consumes,
  invert,
  invertOps,
  normalize,
  produces,
  PatchRefused,
} from '../../src/versions/patch.ts';
import type { Op } from '../../src/versions/patch.ts';
import { CONTENTS, decode, encode, sha256, steps, toOps, toPatch } from '../support/patch-cases.ts';
import { testSeed } from '../support/seed.ts';

const seed = testSeed();

function faultOf(act: () => unknown): string | undefined {
  try {
    act();
  } catch (error) {
    if (error instanceof PatchRefused) return error.fault;
    throw error;
  }
  return undefined;
}

/** 25,500 cases for each kind of content: 102,000 in all. */
describe.each(Object.entries(CONTENTS))('patches of %s', (_, content) => {
  it('are taken back by their inverse, whose inverse they are', () => {
    fc.assert(
      fc.property(content, steps, (old, script) => {
        const { patch, next } = toPatch(old, script);
        expect(sha256(applyPatch(patch, old, sha256))).toBe(sha256(next));
        expect(Buffer.compare(applyPatch(invert(patch), next, sha256), old)).toBe(0);
        expect(invert(invert(patch))).toStrictEqual(patch);
      }),
      { seed, numRuns: 6000 },
    );
  });

  it('compose to one that does what both did, and is taken back at once', () => {
    fc.assert(
      fc.property(content, steps, steps, (old, script, later) => {
        const first = toPatch(old, script);
        const second = toPatch(first.next, later);
        const both = compose(first.patch, second.patch);
        expect(Buffer.compare(applyPatch(both, old, sha256), second.next)).toBe(0);
        expect(Buffer.compare(applyPatch(invert(both), second.next, sha256), old)).toBe(0);
      }),
      { seed, numRuns: 6000 },
    );
  });

  it('compose in either grouping to the same change', () => {
    fc.assert(
      fc.property(content, steps, steps, steps, (old, a, b, c) => {
        const first = toOps(old, a);
        const second = toOps(applyOps(first, old), b);
        const afterSecond = applyOps(second, applyOps(first, old));
        const third = toOps(afterSecond, c);
        const [left, right] = [composeOps(composeOps(first, second), third), composeOps(first, composeOps(second, third))];
        const last = applyOps(third, afterSecond);
        for (const ops of [left, right]) {
          expect(Buffer.compare(applyOps(ops, old), last)).toBe(0);
          expect(Buffer.compare(applyOps(invertOps(ops), last), old)).toBe(0);
        }
      }),
      { seed, numRuns: 4000 },
    );
  });

  it('mean the same when they are normalized, which leaves nothing to join', () => {
    fc.assert(
      fc.property(content, steps, (old, script) => {
        const ops = toOps(old, script);
        const short = normalize(ops);
        expect(Buffer.compare(applyOps(short, old), applyOps(ops, old))).toBe(0);
        expect(normalize(short)).toStrictEqual(short);
        expect(short.some((op, i) => op.kind === short[i + 1]?.kind || consumes(op) + produces(op) === 0)).toBe(false);
      }),
      { seed, numRuns: 5000 },
    );
  });

  it('refuse every other content by its hash, and removed bytes that were not there', () => {
    fc.assert(
      fc.property(content, steps, fc.nat(), fc.integer({ min: 1, max: 255 }), (old, script, where, flip) => {
        const { patch } = toPatch(old, script);
        const other = old.slice();
        if (other.length > 0) other[where % other.length] ^= flip;
        else expect(faultOf(() => applyPatch(patch, Uint8Array.of(flip), sha256))).toBe('wrong-base');
        if (other.length > 0) expect(faultOf(() => applyPatch(patch, other, sha256))).toBe('wrong-base');
        const removing = patch.ops.flatMap((op) => (op.kind === 'splice' && op.removed.length > 0 ? [op] : []));
        if (removing.length === 0) return;
        const removed = removing[where % removing.length].removed;
        removed[where % removed.length] ^= flip;
        expect(faultOf(() => applyPatch(patch, old, sha256))).toBe('does-not-fit');
      }),
      { seed, numRuns: 4000 },
    );
  });

  it('are read from their files as they were written, and still compose and invert', async () => {
    await fc.assert(
      fc.asyncProperty(content, steps, steps, async (old, script, later) => {
        const first = toPatch(old, script);
        const second = toPatch(first.next, later);
        const [a, b] = [await decode(encode(first.patch)), await decode(encode(second.patch))];
        expect(normalize(a.ops).map(plainBytes)).toStrictEqual(normalize(first.patch.ops).map(plainBytes));
        expect(Buffer.compare(applyPatch(compose(a, b), old, sha256), second.next)).toBe(0);
        expect(Buffer.compare(applyPatch(invert(a), first.next, sha256), old)).toBe(0);
      }),
      { seed, numRuns: 500 },
    );
  });
});

/** What is compared byte for byte must not differ by the class of its array. */
function plainBytes(op: Op): Op {
  if (op.kind === 'copy') return op;
  return op.kind === 'xor'
    ? { kind: 'xor', mask: new Uint8Array(op.mask) }
    : { kind: 'splice', removed: new Uint8Array(op.removed), inserted: new Uint8Array(op.inserted) };
}

it('a wrong algebra is caught, and by a case of a single byte', () => {
  const { failed, counterexample } = fc.check(
    fc.property(CONTENTS['bytes'], steps, (old, script) => {
      const ops = toOps(old, script);
      // An inverse that forgets to change the sides.
      const taken = applyOps(ops, applyOps(ops, old));
      return Buffer.compare(taken, old) === 0;
    }),
    { seed, numRuns: 6000 },
  );
  expect(failed).toBe(true);
  const [old, script] = counterexample ?? [new Uint8Array(0), []];
  expect(script).toHaveLength(1);
  expect(toOps(old, script).reduce((bytes, op) => bytes + (op.kind === 'splice' ? consumes(op) + produces(op) : 0), 0)).toBe(1);
  expect(old.length).toBeLessThanOrEqual(1);
});
