import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { confirmHead, holdHead, holdLegally, pinVersion } from '../../src/versions/alterations.ts';
import { heldObjects, loadArtifact } from '../../src/versions/artifact.ts';
import { Dice } from '../support/dice.ts';
import { testSeed } from '../support/seed.ts';
import { noise, refusal, sha256, StoreInHand, takeContent } from '../support/store-in-hand.ts';
import { tempDir } from '../support/temp-dir.ts';

let directory: ReturnType<typeof tempDir>;
let hand: StoreInHand;

beforeEach(async () => {
  directory = tempDir();
  hand = await new StoreInHand(directory.path).open();
});
afterEach(() => directory[Symbol.dispose]());

const TEXT = Array.from({ length: 100 }, (_, i) => `line ${i}\n`).join('');
const why = { reason: 'why', actor: 'me' };

const pin = (version: number, isPinned = true): Promise<unknown> => pinVersion(hand.store, 'a', version, isPinned, why);

/** What the artifacts need according to their files. */
async function needed(...names: string[]): Promise<string[]> {
  const artifacts = await Promise.all(names.map((name) => loadArtifact(hand.paths, name)));
  return [...new Set(artifacts.flatMap((artifact) => (artifact === undefined ? [] : heldObjects(artifact))))].toSorted();
}

async function startWith(keep: number | undefined): Promise<void> {
  hand.limits = { ...hand.limits, keep };
  await hand.open();
}

describe('a hold of a version', () => {
  it('refuses puts and nothing else, until it is released, over a restart', async () => {
    await hand.put('a', '1');
    expect(await holdHead(hand.store, 'a', true, why)).toMatchObject({ hold: { ...why, since: new Date(hand.nowMs).toISOString() } });
    await hand.open();
    await refusal(hand.put('a', '2'), 'version-held');
    await pin(1);
    expect(await holdHead(hand.store, 'a', false, why)).not.toHaveProperty('hold');
    expect((await hand.put('a', '2')).record.version).toBe(2);
    // What is so already is no change, and no entry.
    const entries = hand.entries.length;
    await holdHead(hand.store, 'a', false, why);
    await holdLegally(hand.store, 'a', false, why);
    await pin(1);
    await pin(2, false);
    expect(hand.entries).toHaveLength(entries);
    await refusal(holdHead(hand.store, 'b', true, why), 'not-found');
    expect(hand.entries.at(-1)).toMatchObject({ action: 'hold', name: 'b', outcome: 'refused', code: 'not-found' });
  });

  it('and its release are entries with the head that they are about', async () => {
    await hand.put('a', '1');
    await holdHead(hand.store, 'a', true, why);
    await holdHead(hand.store, 'a', false, { actor: 'you' });
    await pin(1);
    await pin(1, false);
    const from = { version: 1, sha256: sha256('1') };
    const twice = (entry: object): object[] => [
      { ...entry, from, name: 'a', outcome: 'attempted' },
      { ...entry, from, name: 'a', outcome: 'done' },
    ];
    expect(hand.entries.slice(2).map(({ attempt: _, ...entry }) => entry)).toEqual([
      ...twice({ action: 'hold', ...why }),
      ...twice({ action: 'release', actor: 'you' }),
      ...twice({ action: 'pin', ...why, to: from }),
      ...twice({ action: 'unpin', ...why, to: from }),
    ]);
  });
});

describe('a version that must be confirmed', () => {
  it('stays when it is confirmed in time', async () => {
    await hand.put('a', '1');
    await refusal(confirmHead(hand.store, 'a', why), 'not-confirmable');
    await hand.put('a', '2', { confirmWithinS: 60 });
    expect(hand.store.unconfirmed()).toEqual([{ name: 'a', before: new Date(hand.nowMs + 60_000).toISOString() }]);
    expect(await hand.store.revert('a')).toBe(false);
    hand.nowMs += 59_999;
    expect(await hand.store.revert('a')).toBe(false);
    await confirmHead(hand.store, 'a', why);
    hand.nowMs += 1;
    expect(await hand.store.revert('a')).toBe(false);
    expect([hand.store.unconfirmed(), hand.store.summary('a').head.version]).toEqual([[], 2]);
  });

  it('is taken back when it is not, once, also after a restart', async () => {
    await hand.put('a', '1');
    await hand.put('a', '2', { confirmWithinS: 60 });
    hand.nowMs += 60_000;
    await hand.open();
    expect(await Promise.all([hand.store.revert('a'), hand.store.revert('a')])).toEqual([true, false]);
    const { head, confirm } = hand.store.summary('a');
    expect([head, confirm]).toMatchObject([{ version: 3, cause: 'revert', restores: 1, sha256: sha256('1') }, undefined]);
    expect(hand.entries.at(-1)).toMatchObject({
      action: 'revert',
      restores: 1,
      outcome: 'done',
      reason: expect.stringContaining('not confirmed'),
    });
  });

  it('and is followed by another one reverts to what was confirmed last', async () => {
    await hand.put('a', '1');
    await hand.put('a', '2', { confirmWithinS: 60 });
    await hand.put('a', '3', { confirmWithinS: 60 });
    await hand.rollback('a', 2, { confirmWithinS: 60 });
    hand.nowMs += 60_000;
    await hand.store.revert('a');
    expect((await hand.read('a', 5)).toString()).toBe('1');
  });

  it('keeps what it would revert to from retention, and a hold does not stop the revert', async () => {
    await startWith(2);
    for (let i = 1; i <= 3; i++) await hand.put('a', `${TEXT}${i}`);
    for (let i = 4; i <= 9; i++) await hand.put('a', `${TEXT}${i}`, { confirmWithinS: 60 });
    expect(hand.store.summary('a')).toMatchObject({ oldest: 3, confirm: { revertsTo: 3 } });
    await holdHead(hand.store, 'a', true, why);
    await hand.open();
    hand.nowMs += 60_000;
    expect(await hand.store.revert('a')).toBe(true);
    expect(hand.store.summary('a')).toMatchObject({ head: { version: 10, sha256: sha256(`${TEXT}3`) }, oldest: 9 });
    expect(hand.objects()).toEqual(await needed('a'));
  });
});

describe('retention of versions', () => {
  it('leaves the newest, and of the others exactly the records', async () => {
    await startWith(3);
    const contents = Array.from({ length: 8 }, (_, i) => (i % 3 === 2 ? noise(2000) : Buffer.from(`${TEXT}${i}`)));
    for (const content of contents) {
      await hand.put('a', content);
      expect(hand.objects()).toEqual(await needed('a'));
    }
    expect(hand.store.summary('a').oldest).toBe(6);
    expect(hand.store.records('a', 99, 99)).toHaveLength(8);
    for (let version = 1; version <= 5; version++) {
      await refusal(hand.read('a', version), 'version-gone');
      await refusal(hand.rollback('a', version), 'version-gone');
      await refusal(pin(version), 'version-gone');
    }
    for (let version = 6; version <= 8; version++) expect((await hand.read('a', version)).equals(contents[version - 1])).toBe(true);
    expect(await hand.store.verify('a')).toMatchObject({ versions: 8, checked: 3, damages: [] });
  });

  it('removes nothing that another artifact shares', async () => {
    await startWith(2);
    const shared = noise(3000);
    for (const name of ['a', 'b']) await hand.put(name, shared);
    for (let i = 0; i < 4; i++) await hand.put('a', noise(100));
    expect((await hand.read('b', 1)).equals(shared)).toBe(true);
    expect(hand.objects()).toEqual(await needed('a', 'b'));
    await hand.put('b', '1');
    await hand.put('b', '2');
    await hand.put('b', '3');
    expect(hand.objects()).not.toContain(sha256(shared));
  });

  it('leaves pinned versions whole until they are unpinned', async () => {
    await startWith(2);
    for (let i = 1; i <= 2; i++) await hand.put('a', `${TEXT}${i}`);
    await pin(1);
    for (let i = 3; i <= 6; i++) await hand.put('a', `${TEXT}${i}`);
    expect(hand.store.summary('a')).toMatchObject({ oldest: 5, pins: [1] });
    await hand.open();
    expect((await hand.read('a', 1)).toString()).toBe(`${TEXT}1`);
    await refusal(hand.read('a', 2), 'version-gone');
    expect(await hand.store.verify('a')).toMatchObject({ checked: 3, damages: [] });
    expect((await hand.rollback('a', 1)).record?.version).toBe(7);
    await pin(1, false);
    await refusal(hand.read('a', 1), 'version-gone');
    expect(hand.objects()).toEqual(await needed('a'));
  });

  it('waits for a legal hold to end', async () => {
    await startWith(2);
    await hand.put('a', noise(100));
    await holdLegally(hand.store, 'a', true, why);
    for (let i = 0; i < 5; i++) await hand.put('a', noise(100));
    expect(hand.store.summary('a')).toMatchObject({ oldest: 1, legalHold: why });
    expect(await hand.store.verify('a')).toMatchObject({ checked: 6 });
    await holdLegally(hand.store, 'a', false, why);
    expect(hand.store.summary('a').oldest).toBe(1);
    await hand.put('a', noise(100));
    expect(hand.store.summary('a').oldest).toBe(6);
    expect(hand.objects()).toEqual(await needed('a'));
  });

  it('does not disturb whoever reads a version that it removes', async () => {
    await startWith(2);
    const contents = Array.from({ length: 40 }, (_, i) => `${TEXT}${i}${'x'.repeat(i * 10)}`);
    await hand.put('a', contents[0]);
    const reads: Promise<void>[] = [];
    const read = async (version: number): Promise<void> => {
      const found = await hand.store.open('a', version).then(takeContent, (error: unknown) => error);
      if (found instanceof Buffer) expect(found.toString()).toBe(contents[version - 1]);
      else expect(found).toMatchObject({ code: 'version-gone' });
    };
    for (const [i, content] of contents.entries()) {
      if (i === 0) continue;
      const put = hand.put('a', content);
      for (const version of [i, i - 1]) if (version > 0) reads.push(read(version));
      reads.push(hand.store.verify('a').then(({ damages }) => expect(damages).toEqual([])));
      await put;
    }
    await Promise.all(reads);
    expect(hand.incoming()).toEqual([]);
    expect(hand.objects()).toEqual(await needed('a'));
  });

  it('leaves exactly what is needed after any changes, and so does a restart', { timeout: 60_000 }, async () => {
    await startWith(3);
    const dice = new Dice(testSeed(), 1);
    const contents = new Map<string, string[]>();
    const pool = Array.from({ length: 6 }, (_, i) => `${TEXT.slice(0, 200 + i)}${i}${TEXT.slice(i * 7)}`);
    for (let step = 0; step < 150; step++) {
      const name = dice.pick(['a', 'b', 'c']);
      const had = contents.get(name) ?? [];
      const { oldest = 1, pins = [] } = had.length === 0 ? {} : hand.store.summary(name);
      const version = had.length === 0 ? 1 : oldest + dice.below(had.length - oldest + 1);
      const choice = had.length === 0 ? 0 : dice.below(8);
      if (choice < 4) {
        const content = dice.once(3) ? `${step}${TEXT}` : dice.pick(pool);
        await hand.put(name, content);
        contents.set(name, [...had, content]);
      } else if (choice === 4) {
        await hand.rollback(name, version);
        contents.set(name, [...had, had[version - 1]]);
      } else if (choice === 5) await pinVersion(hand.store, name, version, true, {});
      else if (choice === 6 && pins.length > 0) await pinVersion(hand.store, name, dice.pick(pins), false, {});
      else if (choice === 7) await hand.open();
      expect(hand.objects()).toEqual(await needed('a', 'b', 'c'));
    }
    for (const [name, had] of contents) {
      const { oldest, pins, head } = hand.store.summary(name);
      expect(head.version).toBe(had.length);
      for (const [i, content] of had.entries())
        if (i + 1 >= oldest || pins.includes(i + 1)) expect((await hand.read(name, i + 1)).toString()).toBe(content);
      expect((await hand.store.verify(name)).damages).toEqual([]);
    }
  });
});
