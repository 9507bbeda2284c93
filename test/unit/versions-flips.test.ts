import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { pinVersion } from '../../src/versions/alterations.ts';
import { loadArtifact } from '../../src/versions/artifact.ts';
import { Dice } from '../support/dice.ts';
import { flipBit } from '../support/flips.ts';
import { testSeed } from '../support/seed.ts';
import { noise, refusal, sha256, StoreInHand } from '../support/store-in-hand.ts';
import { tempDir } from '../support/temp-dir.ts';

/** Flips of a file that has too many bits for all of them. */
const SAMPLED_BITS = 48;

let directory: ReturnType<typeof tempDir>;
let hand: StoreInHand;
let contents: Buffer[];

beforeEach(async () => {
  directory = tempDir();
  hand = await new StoreInHand(directory.path).open();
  contents = [];
  const text = Array.from({ length: 60 }, (_, i) => `line ${i}\n`).join('');
  const numbers = Float64Array.from({ length: 300 }, (_, i) => Math.sin(i));
  const nudged = numbers.map((x) => x * (1 + 1e-13));
  for (const content of [text, `${text}more\n`, noise(400), numbers.buffer, nudged.buffer, `${text}${text}`, `${text}new\n${text}`]) {
    contents.push(Buffer.from(content as string));
    await hand.put('a', contents[contents.length - 1]);
  }
  await pinVersion(hand.store, 'a', 2, true, {});
  await hand.put('other', 'other');
});
afterEach(() => directory[Symbol.dispose]());

const place = (hash: string): string => `objects/${hash.slice(0, 2)}/${hash}`;

/** A file of the store in other bytes, or gone, while `during` runs. */
async function damaged(path: string, content: Uint8Array | undefined, during: () => Promise<void>): Promise<void> {
  const original = readFileSync(path);
  if (content === undefined) rmSync(path);
  else writeFileSync(path, content);
  try {
    await during();
  } finally {
    writeFileSync(path, original);
  }
}

/** All bits of a small file; of others the first and last bytes, and some in between. */
function bitsOf(bytes: number, most = SAMPLED_BITS): number[] {
  const all = Array.from({ length: bytes * 8 }, (_, bit) => bit);
  if (all.length <= most) return all;
  const dice = new Dice(testSeed(), bytes);
  const sampled = Array.from({ length: most - 32 }, () => dice.below(all.length));
  return [...new Set([...all.slice(0, 16), ...all.slice(-16), ...sampled])];
}

/** Every version is right or refused in the name of the damage. Answers how many are refused. */
async function readAll(where: string): Promise<number> {
  let refused = 0;
  for (const [i, content] of contents.entries()) {
    const found = await hand.read('a', i + 1).catch((error: unknown) => error);
    if (found instanceof Buffer) expect(found.equals(content), `version ${i + 1}`).toBe(true);
    else {
      expect(found).toMatchObject({ code: 'version-damaged', message: expect.stringContaining(`${where}: `) as string });
      refused++;
    }
  }
  return refused;
}

/** With a head or an index that is not right, nothing of the artifact can be had, nothing is lost, and others go on. */
async function expectUnusable(where: RegExp): Promise<void> {
  const before = hand.listing();
  hand.troubles.length = 0;
  await hand.open();
  expect(hand.store.damages()).toEqual([{ place: 'names/a', what: expect.stringMatching(where) as string }]);
  expect(hand.troubles).toHaveLength(1);
  const asked = [
    () => hand.read('a', 1),
    () => hand.put('a', 'x'),
    () => hand.put('a', 'x', { precondition: 'none' }),
    () => hand.rollback('a', 1),
    () => pinVersion(hand.store, 'a', 1, true, {}),
  ];
  for (const ask of asked) expect((await refusal(ask(), 'version-damaged')).message).toMatch(where);
  expect((await hand.read('other', 1)).toString()).toBe('other');
  expect(hand.listing()).toEqual(before);
  expect((await hand.store.verify('a')).damages).toEqual([
    { place: expect.stringMatching(/^names\/a\//) as string, what: expect.stringMatching(where) as string },
  ]);
}

describe('a flipped bit of a version', () => {
  it('in any object is never handed out, and its object is named', { timeout: 120_000 }, async () => {
    expect(hand.store.records('a', 99, 99).map(({ kind }) => kind)).toEqual(expect.arrayContaining(['splice', 'xor', 'full']));
    const objects = hand.objects().filter((hash) => hash !== sha256('other'));
    expect(objects.length).toBeGreaterThan(6);
    for (const hash of objects) {
      const path = hand.paths.object(hash);
      const original = readFileSync(path);
      for (const bit of bitsOf(original.length)) {
        await damaged(path, flipBit(original, bit), async () => {
          expect(await readAll(place(hash)), `bit ${bit}`).toBeGreaterThan(0);
        });
      }
      expect(await readAll('nowhere')).toBe(0);
    }
    expect(hand.incoming()).toEqual([]);
  });

  it('in an object is found by verify, and refused where a change needs it', async () => {
    const head = hand.store.summary('a').head.sha256;
    for (const hash of hand.objects().filter((each) => each !== sha256('other'))) {
      const original = readFileSync(hand.paths.object(hash));
      for (const content of [flipBit(original, 9), original.subarray(0, -1), undefined]) {
        await damaged(hand.paths.object(hash), content, async () => {
          await hand.open();
          expect(hand.store.damages()).toEqual([]);
          expect(await readAll(place(hash))).toBeGreaterThan(0);
          const { damages } = await hand.store.verify('a');
          expect(damages.map((damage) => damage.place)).toContain(place(hash));
          // Whatever cannot be made for it is said to be so because of it, and not of another place.
          expect(new Set(damages.map((damage) => damage.place))).toEqual(new Set([place(hash)]));
          const before = hand.listing();
          for (const [i] of contents.entries()) {
            const planned = await hand.rollback('a', i + 1, { isDryRun: true }).catch((error: unknown) => error);
            if (planned instanceof Error)
              expect(planned).toMatchObject({ code: 'version-damaged', message: expect.stringContaining(place(hash)) });
            else expect(planned).toMatchObject({ to: { sha256: sha256(contents[i]) } });
          }
          if (hash === head) {
            await refusal(hand.put('a', 'x'), 'version-damaged');
            await refusal(hand.rollback('a', 3), 'version-damaged');
          }
          expect(hand.listing()).toEqual(before);
          expect((await hand.store.verify('other')).damages).toEqual([]);
        });
      }
    }
  });

  it('in a head or an index is found by every start', { timeout: 120_000 }, async () => {
    for (const file of ['head', 'index'] as const) {
      const path = hand.paths[file]('a');
      const original = readFileSync(path);
      for (const bit of bitsOf(original.length, 600)) {
        await damaged(path, flipBit(original, bit), async () => {
          const found = await loadArtifact(hand.paths, 'a').catch((error: unknown) => error);
          expect(found, `${file} bit ${bit}`).toMatchObject({
            code: 'version-damaged',
            message: expect.stringMatching(/^names\/a\/(head|index): /),
          });
        });
      }
      for (const content of [
        flipBit(original, 77),
        flipBit(original, original.length * 4),
        original.subarray(0, -2),
        Buffer.alloc(0),
        undefined,
      ])
        await damaged(path, content, () => expectUnusable(/^names\/a\/(head|index): /));
    }
    await hand.open();
    expect(await readAll('nowhere')).toBe(0);
    expect(await hand.store.verify('a')).toMatchObject({ checked: 7, damages: [] });
  });

  it('in a head or an index is found by verify before any start', async () => {
    for (const file of ['head', 'index'] as const) {
      const path = hand.paths[file]('a');
      const original = readFileSync(path);
      for (const content of [flipBit(original, 100), original.subarray(0, 100), undefined])
        await damaged(path, content, async () => {
          const { damages } = await hand.store.verify('a');
          expect(damages.map((damage) => damage.place)).toEqual([expect.stringMatching(/^names\/a\/(head|index)$/)]);
        });
    }
    expect((await hand.store.verify('a')).damages).toEqual([]);
  });
});

describe('a file of a version in the place of another', () => {
  it('is found out: two objects', async () => {
    const objects = hand.objects();
    for (const [i, one] of objects.entries()) {
      const other = objects[(i + 1) % objects.length];
      const [a, b] = [hand.paths.object(one), hand.paths.object(other)];
      const swap = (): void => {
        renameSync(a, `${a}.swap`);
        renameSync(b, a);
        renameSync(`${a}.swap`, b);
      };
      swap();
      await hand.open();
      const { damages } = await hand.store.verify('a');
      for (const damage of damages) expect([place(one), place(other)]).toContain(damage.place);
      for (const [v, content] of contents.entries()) {
        const found = await hand.read('a', v + 1).catch((error: unknown) => error);
        if (found instanceof Buffer) expect(found.equals(content)).toBe(true);
        else
          expect(found).toMatchObject({
            code: 'version-damaged',
            message: expect.stringMatching(new RegExp(`^objects/../(${one}|${other}): `)),
          });
      }
      swap();
    }
    expect(await readAll('nowhere')).toBe(0);
  });

  it('is found out: an older head, an older index, those of another artifact', async () => {
    const [head, index] = [readFileSync(hand.paths.head('a')), readFileSync(hand.paths.index('a'))];
    await hand.put('a', 'newer');
    contents.push(Buffer.from('newer'));
    await damaged(hand.paths.head('a'), head, () => expectUnusable(/index: /));
    await damaged(hand.paths.index('a'), index, () => expectUnusable(/index: /));
    await damaged(hand.paths.head('a'), readFileSync(hand.paths.head('other')), () => expectUnusable(/head: /));
    await damaged(hand.paths.index('a'), readFileSync(hand.paths.index('other')), () => expectUnusable(/index: /));
    await hand.open();
    expect(await readAll('nowhere')).toBe(0);
  });
});
