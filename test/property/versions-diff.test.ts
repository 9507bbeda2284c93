import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MemorySource } from '../../src/versions/byte-source.ts';
import { chooseBody } from '../../src/versions/choose-body.ts';
import { applyPatch, invert, type Patch } from '../../src/versions/patch.ts';
import { utf8 } from '../../src/kernel/bytes.ts';
import { Dice } from '../support/dice.ts';
import { decode, idOf, MemoryDraft, sha256, steps, toPatch } from '../support/patch-cases.ts';
import { testSeed } from '../support/seed.ts';

const seed = testSeed();
const MIB = 1024 * 1024;

interface Body {
  readonly kind: string;
  /** Of the patch, or of the content where it is stored in full. */
  readonly bytes: number;
}

/** Whatever is chosen leads there and back, is smaller than the content, and leaves no other draft. */
async function expectBody(old: Uint8Array, now: Uint8Array): Promise<Body> {
  const drafts: MemoryDraft[] = [];
  const open = (): Promise<MemoryDraft> => Promise.resolve(drafts[drafts.push(new MemoryDraft()) - 1]);
  const [from, to] = [old, now].map((content) => ({ id: idOf(content), source: new MemorySource(content) }));
  const body = await chooseBody(from, to, open);
  const left = drafts.filter(({ isDropped }) => !isDropped);
  expect(left).toStrictEqual(body.kind === 'full' ? [] : [body.draft]);
  if (body.kind === 'full') return { kind: 'full', bytes: now.length };
  const file = Buffer.concat(left[0].parts);
  expect(file.length).toBeLessThan(now.length);
  const patch = await decode(file);
  expect(patch).toMatchObject({ from: from.id, to: to.id });
  expectKind(body.kind, patch);
  expect(Buffer.compare(applyPatch(patch, old, sha256), now)).toBe(0);
  expect(Buffer.compare(applyPatch(invert(patch), now, sha256), old)).toBe(0);
  return { kind: body.kind, bytes: file.length };
}

async function expectPair(old: Uint8Array, now: Uint8Array): Promise<void> {
  await expectBody(old, now);
}

function expectKind(kind: string, { ops }: Patch): void {
  const hasSplice = ops.some((op) => op.kind === 'splice');
  const hasXor = ops.some((op) => op.kind === 'xor');
  expect(kind).toBe(hasXor && !hasSplice ? 'xor' : 'splice');
}

function randomBytes(dice: Dice, length: number): Uint8Array {
  return Uint8Array.from({ length }, () => dice.below(256));
}

/** `count` places where up to `bytesMax` bytes are overwritten, inserted or removed. */
function edited(dice: Dice, content: Uint8Array, count: number, bytesMax: number): Uint8Array {
  const places = Array.from({ length: count }, () => dice.below(content.length + 1)).sort((a, b) => a - b);
  const parts: Uint8Array[] = [];
  let at = 0;
  for (const place of places) {
    if (place < at) continue;
    parts.push(content.subarray(at, place), randomBytes(dice, dice.once(3) ? 0 : dice.below(bytesMax)));
    at = Math.min(content.length, place + (dice.once(2) ? 0 : dice.below(bytesMax)));
  }
  return Buffer.concat([...parts, content.subarray(at)]);
}

const line = fc.constantFrom('', '{', '}', '  "port": 8080,', '  "host": "a.example",', '  "on": true,', '  "on": false,', 'x'.repeat(60));
const text = fc.array(line, { maxLength: 60, size: 'max' }).map((lines) => utf8(lines.join('\n')));

describe('the body that is chosen', () => {
  it('leads there and back between contents that have an edit script in common', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 900, size: 'max' }), steps, async (old, script) => {
        await expectBody(old, toPatch(old, script).next);
      }),
      { seed, numRuns: 1500 },
    );
  });

  it('leads there and back between any two texts of the same lines', async () => {
    await fc.assert(fc.asyncProperty(text, text, expectPair), { seed, numRuns: 1000 });
  });

  it('leads there and back between contents of two values, where nothing is unique', async () => {
    const bits = fc.array(fc.constantFrom(0, 255), { maxLength: 700, size: 'max' }).map((values) => Uint8Array.from(values));
    await fc.assert(fc.asyncProperty(bits, bits, expectPair), { seed, numRuns: 300 });
  });

  it.each([300 * 1024, 700 * 1024, 2 * MIB])('is small after a few edits of %d random bytes', async (length) => {
    for (let round = 0; round < 4; round++) {
      const dice = new Dice(seed, length + round);
      const old = randomBytes(dice, length);
      const { bytes } = await expectBody(old, edited(dice, old, 20, 100));
      // At most 100 removed and 100 inserted at each place, an op or two of up to eight bytes, and the header.
      expect(bytes).toBeLessThan(20 * (200 + 16) + 100);
    }
  });

  it('is small where blocks of a megabyte end', async () => {
    for (const length of [MIB - 1, MIB, MIB + 1]) {
      const dice = new Dice(seed, length);
      const [old, other] = [randomBytes(dice, length), randomBytes(dice, length)];
      expect(await expectBody(old, other)).toStrictEqual({ kind: 'full', bytes: length });
      expect((await expectBody(old, Buffer.concat([old, Uint8Array.of(1)]))).bytes).toBeLessThan(100);
      expect((await expectBody(old, old.subarray(1))).bytes).toBeLessThan(100);
      const last = old.slice();
      last[length - 1] ^= 1;
      expect(await expectBody(old, last)).toMatchObject({ kind: 'xor' });
      // Every number differs a little: one mask after the other, as long as blocks are.
      const nudged = old.map((byte, i) => (i % 4 === 0 ? byte ^ (1 + (i % 7)) : byte));
      const { kind, bytes } = await expectBody(old, nudged);
      expect(kind).toBe('xor');
      expect(bytes).toBeLessThan(length / 4);
    }
  });

  it('is a mask for numbers that all changed a little', async () => {
    const dice = new Dice(seed, 1);
    const old = Float32Array.from({ length: 2 ** 17 }, () => dice.below(2 ** 30) / 2 ** 30);
    const now = old.map((value) => value * (1 + dice.below(1000) / 2 ** 22));
    const { kind, bytes } = await expectBody(new Uint8Array(old.buffer), new Uint8Array(now.buffer));
    expect(kind).toBe('xor');
    expect(bytes).toBeLessThan(old.byteLength / 2);
  });

  it('stands at the bounds of what there is', async () => {
    const [nothing, one, many] = [new Uint8Array(0), Uint8Array.of(7), randomBytes(new Dice(seed, 2), 1000)];
    for (const content of [nothing, one])
      for (const other of [nothing, one, Uint8Array.of(8)]) expect((await expectBody(content, other)).kind).toBe('full');
    expect((await expectBody(many, nothing)).kind).toBe('full');
    expect((await expectBody(nothing, many)).kind).toBe('full');
    expect(await expectBody(many, many)).toMatchObject({ kind: 'splice' });
    expect((await expectBody(many, many)).bytes).toBeLessThan(90);
    expect((await expectBody(many, many.subarray(0, 500))).kind).toBe('full');
    expect(
      (await expectBody(many.subarray(0, 300), new Uint8Array([...many.subarray(0, 300), ...new Uint8Array(900)]))).bytes,
    ).toBeLessThan(110);
  });

  it('is small, and soon found, for zeros and periods of any length', async () => {
    const zeros = new Uint8Array(3 * MIB);
    const island = zeros.slice();
    island.set([1, 2, 3], 2 * MIB);
    expect((await expectBody(zeros, island)).bytes).toBeLessThan(110);
    expect((await expectBody(island, zeros.subarray(0, MIB + 77))).bytes).toBeLessThan(200);
    expect((await expectBody(zeros.subarray(0, MIB - 1), island)).bytes).toBeLessThan(200);
    for (const period of [1, 2, 7, 48, 64, 1000, 4096]) {
      const dice = new Dice(seed, period);
      const unit = randomBytes(dice, period);
      const old = Uint8Array.from({ length: MIB }, (_, i) => unit[i % period]);
      const { bytes } = await expectBody(old, edited(dice, old, 5, 300));
      expect(bytes).toBeLessThan(2 * period + 5 * 700 + 1000);
    }
  });
});
