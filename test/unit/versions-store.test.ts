import { mkdirSync, renameSync, rmdirSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { noise, refusal, sha256, StoreInHand } from '../support/store-in-hand.ts';
import { tempDir } from '../support/temp-dir.ts';

let directory: ReturnType<typeof tempDir>;
let hand: StoreInHand;

beforeEach(async () => {
  directory = tempDir();
  hand = await new StoreInHand(directory.path).open();
});
afterEach(() => directory[Symbol.dispose]());

const TEXT = Array.from({ length: 200 }, (_, i) => `line ${i}\n`).join('');
/** What every entry of a change says beside its outcome. */
const of = (...entries: object[]): object[] => entries.map((entry) => expect.objectContaining(entry) as object);

describe('a version', () => {
  it('is answered bit for bit, whatever its size', async () => {
    const contents = ['', 'a', 'ab', '', TEXT, noise(5000), TEXT + TEXT, 'x'.repeat(100_000), Buffer.alloc(20_000), ''];
    for (const content of contents) await hand.put('a', content);
    await hand.open();
    for (const [i, content] of contents.entries()) expect((await hand.read('a', i + 1)).equals(Buffer.from(content))).toBe(true);
    expect(await hand.store.verify('a')).toEqual({ name: 'a', versions: 10, checked: 10, damages: [] });
    expect(hand.incoming()).toEqual([]);
  });

  it('is kept as the smallest of splices, an exclusive or, and the whole content', async () => {
    const numbers = Buffer.from(Float64Array.from({ length: 4000 }, (_, i) => Math.sin(i)).buffer);
    const nudged = Buffer.from(Float64Array.from({ length: 4000 }, (_, i) => Math.sin(i) * (1 + 1e-13)).buffer);
    for (const content of [TEXT, `${TEXT.slice(0, 500)}inserted\n${TEXT.slice(500)}`, noise(3000), numbers, nudged])
      await hand.put('a', content);
    const records = hand.store.records('a', 99, 99).toReversed();
    expect(records.map(({ kind }) => kind)).toEqual(['full', 'splice', 'full', 'full', 'xor']);
    expect(records.map(({ patchBytes }) => patchBytes > 0)).toEqual([false, true, false, false, true]);
  });

  it('of an identical content is one more version on one object', async () => {
    const content = noise(1000);
    for (let i = 0; i < 3; i++) await hand.put('a', content);
    await hand.put('b', content);
    const [object, ...patches] = hand.objects().toSorted((a, b) => (a === sha256(content) ? -1 : b === sha256(content) ? 1 : 0));
    expect(object).toBe(sha256(content));
    // From a content to itself leads one patch, which both steps share.
    expect(patches).toHaveLength(1);
    await hand.put('a', 'other');
    await hand.put('b', 'other');
    for (let version = 1; version <= 3; version++) expect((await hand.read('a', version)).equals(content)).toBe(true);
    expect((await hand.read('b', 1)).equals(content)).toBe(true);
  });

  it('of more than 33 in a chain of patches is made of a whole one in between', async () => {
    const contents = Array.from({ length: 110 }, (_, i) => `${TEXT}${'tail\n'.repeat(i)}`);
    for (const content of contents) await hand.put('a', content);
    await hand.open();
    for (const [i, content] of contents.entries()) expect((await hand.read('a', i + 1)).toString()).toBe(content);
    const whole = contents.filter((content) => hand.objects().includes(sha256(content)));
    expect(whole.length).toBeGreaterThanOrEqual(4);
    expect(whole.length).toBeLessThan(20);
    expect(await hand.store.verify('a')).toMatchObject({ checked: 110, damages: [] });
  });

  it.each(['constructor', 'toString', 'hasOwnProperty', '0', 'head', 'index', 'a.tmp', 'A'.repeat(128), 'x~y_z-1.0'])(
    'may belong to an artifact called "%s"',
    async (name) => {
      expect(() => hand.store.summary(name)).toThrow(/no artifact/);
      await hand.put(name, 'one');
      await hand.open();
      expect((await hand.read(name, 1)).toString()).toBe('one');
      expect(hand.store.list('', 10).map((each) => each.name)).toEqual([name]);
    },
  );
});

describe('records and times of versions', () => {
  it('are listed newest first and by page, artifacts by name', async () => {
    for (const name of ['b', 'a', 'c']) await hand.put(name, name);
    for (let i = 0; i < 4; i++) await hand.put('b', `${i}`);
    expect(hand.store.list('', 2).map(({ name }) => name)).toEqual(['a', 'b']);
    expect(hand.store.list('a', 9).map(({ name }) => name)).toEqual(['b', 'c']);
    expect(hand.store.records('b', 99, 2).map(({ version }) => version)).toEqual([5, 4]);
    expect(hand.store.records('b', 4, 2).map(({ version }) => version)).toEqual([3, 2]);
    expect(hand.store.records('b', 1, 2)).toEqual([]);
    await refusal(hand.read('b', 6), 'not-found');
    await refusal(hand.read('b', 0), 'not-found');
    await refusal(hand.read('d', 1), 'not-found');
  });

  it('answer what was head at a time, also when the clock was set back', async () => {
    const begin = hand.nowMs;
    const at = (ms: number): number => hand.store.at('a', BigInt(ms) * 1_000_000n).version;
    await hand.put('a', '1');
    hand.nowMs = begin + 1000;
    await hand.put('a', '2');
    hand.nowMs = begin - 5000;
    await hand.put('a', '3');
    hand.nowMs = begin + 2000;
    await hand.put('a', '4');
    expect([begin, begin + 999, begin + 1000, begin + 1999, begin + 9e9].map(at)).toEqual([1, 1, 3, 3, 4]);
    expect(() => at(begin - 1)).toThrow(/had no version yet/);
    expect(hand.store.records('a', 99, 99).map((record) => Date.parse(record.at) - begin)).toEqual([2000, 1000, 1000, 0]);
  });
});

describe('a rollback of a version', () => {
  it('is a new version with the old content', async () => {
    for (const content of [TEXT, `${TEXT}more`, 'short']) await hand.put('a', content);
    const { head } = hand.store.summary('a');
    const plan = await hand.rollback('a', 1, { actor: 'me', reason: 'why' });
    expect(plan).toMatchObject({ from: { version: 3, sha256: head.sha256 }, to: { version: 1, sha256: sha256(TEXT) }, steps: 2 });
    expect(plan.record).toMatchObject({ version: 4, cause: 'rollback', restores: 1, actor: 'me', reason: 'why', sha256: sha256(TEXT) });
    expect((await hand.read('a', 4)).toString()).toBe(TEXT);
    expect(hand.changes.map(({ version }) => version)).toEqual([1, 2, 3, 4]);
  });

  it('to a time, and to the head itself, goes too', async () => {
    await hand.put('a', '1');
    const first = hand.nowMs;
    hand.nowMs += 1000;
    await hand.put('a', '2');
    expect((await hand.rollback('a', { timeNs: BigInt(first) * 1_000_000n })).record).toMatchObject({ version: 3, restores: 1 });
    expect((await hand.rollback('a', 3)).record).toMatchObject({ version: 4, restores: 3 });
    expect((await hand.read('a', 4)).toString()).toBe('1');
    await refusal(hand.rollback('a', { timeNs: 0n }), 'not-found');
    await refusal(hand.rollback('a', 5), 'not-found');
    await refusal(hand.rollback('b', 1), 'not-found');
  });

  it('as a dry run stores nothing, needs no precondition, and refuses a wrong one', async () => {
    for (const content of [TEXT, `${TEXT}more`, noise(500)]) await hand.put('a', content);
    const [before, entries] = [hand.listing(), hand.entries.length];
    for (const to of [1, 2, 3]) expect((await hand.rollback('a', to, { isDryRun: true, precondition: undefined })).record).toBeUndefined();
    await refusal(hand.rollback('a', 1, { isDryRun: true, precondition: { version: 2, sha256: sha256(TEXT) } }), 'version-conflict');
    await refusal(hand.rollback('a', 9, { isDryRun: true }), 'not-found');
    expect(hand.listing()).toEqual(before);
    expect(hand.entries).toHaveLength(entries);
    expect(hand.changes).toHaveLength(3);
  });

  it('with a hold refuses later puts until the hold is released', async () => {
    await hand.put('a', '1');
    await hand.put('a', '2');
    await hand.rollback('a', 1, { hold: true, reason: 'broken', actor: 'me' });
    expect(hand.store.summary('a').hold).toEqual({ reason: 'broken', actor: 'me', since: new Date(hand.nowMs).toISOString() });
    expect(await refusal(hand.put('a', '3'), 'version-held')).toMatchObject({ message: expect.stringContaining('broken') as string });
    expect((await hand.rollback('a', 2)).record?.version).toBe(4);
    await refusal(hand.put('a', '3'), 'version-held');
    expect(hand.incoming()).toEqual([]);
  });
});

describe('the precondition of a version', () => {
  it('is asked for, and a stale one is told what is current', async () => {
    await refusal(hand.put('a', '1', { precondition: undefined }), 'precondition-required');
    expect((await refusal(hand.put('a', '1', { precondition: { version: 1, sha256: sha256('1') } }), 'version-conflict')).details).toEqual(
      {},
    );
    await hand.put('a', '1');
    await hand.put('a', '2');
    const current = { version: 2, sha256: sha256('2') };
    const stale = [
      [undefined, 'precondition-required'],
      ['none', 'version-conflict'],
      [{ version: 1, sha256: sha256('1') }, 'version-conflict'],
      [{ version: 2, sha256: sha256('1') }, 'version-conflict'],
      [{ version: 3, sha256: sha256('2') }, 'version-conflict'],
    ] as const;
    const before = hand.listing();
    for (const [precondition, code] of stale) {
      expect((await refusal(hand.put('a', '3', { precondition }), code)).details).toEqual({ current });
      expect((await refusal(hand.rollback('a', 1, { precondition }), code)).details).toEqual({ current });
    }
    expect(hand.listing()).toEqual(before);
  });

  it('lets one of many through that come at once', async () => {
    await hand.put('a', '0');
    for (let round = 0; round < 10; round++) {
      const precondition = hand.head('a');
      const tries = Array.from({ length: 20 }, (_, i) =>
        i % 4 === 0 && precondition !== 'none'
          ? hand.rollback('a', 1, { precondition })
          : hand.put('a', `${round} ${i}`, { precondition, actor: `${i}` }),
      );
      const outcomes = await Promise.allSettled(tries);
      expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      for (const outcome of outcomes) if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: 'version-conflict' });
    }
    expect(hand.store.summary('a').head.version).toBe(11);
    expect(await hand.store.verify('a')).toMatchObject({ checked: 11, damages: [] });
  });
});

describe('a repeated request for a version', () => {
  it('is answered as before, and another one under its key is refused', async () => {
    const first = { idempotencyKey: 'k', precondition: 'none', actor: 'me' } as const;
    const { record } = await hand.put('a', '1', first);
    await hand.put('a', '2');
    await hand.open();
    const entries = hand.entries.length;
    expect(await hand.put('a', '1', first)).toEqual({ record, isReplay: true });
    expect(hand.entries).toHaveLength(entries);
    for (const other of [{ actor: 'you' }, { reason: 'x' }, { confirmWithinS: 5 }, { precondition: hand.head('a') }])
      await refusal(hand.put('a', '1', { ...first, ...other }), 'key-reused');
    await refusal(hand.put('a', '3', first), 'key-reused');
    // Keys belong to an artifact.
    expect(await hand.put('b', '1', first)).toMatchObject({ isReplay: false });
    expect([hand.store.summary('a').head.version, hand.incoming()]).toEqual([2, []]);
  });
});

describe('limits of versions', () => {
  it('refuse a new artifact, and a version of any', async () => {
    hand.limits = { ...hand.limits, artifactsMax: 2, versionsMax: 4 };
    await hand.open();
    await hand.put('a', '1');
    await hand.put('b', '1');
    await refusal(hand.put('c', '1'), 'version-limit');
    await hand.put('a', '2');
    await hand.put('b', '2');
    await refusal(hand.put('a', '3'), 'version-limit');
    await refusal(hand.rollback('a', 1), 'version-limit');
    await hand.rollback('a', 1, { isDryRun: true });
    expect(hand.store.list('', 9).map(({ head }) => head.version)).toEqual([2, 2]);
  });

  it('of a store that is closing finish what has begun and refuse the rest', async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
    hand.recording = ({ outcome }) => {
      begin();
      return outcome === 'attempted' ? promise : Promise.resolve();
    };
    const under = hand.put('a', '1');
    await begun;
    const closed = hand.store.close();
    const late = refusal(hand.put('a', '2', { precondition: 'none' }), 'closed');
    resolve();
    expect((await under).record.version).toBe(1);
    await late;
    await closed;
    await refusal(hand.put('b', '1'), 'closed');
    expect(hand.entries.map(({ outcome, code }) => [outcome, code])).toEqual([
      ['attempted', undefined],
      ['done', undefined],
      ['refused', 'closed'],
      ['refused', 'closed'],
    ]);
    expect(hand.incoming()).toEqual([]);
  });
});

describe('the ledger of versions', () => {
  it('has an entry of every attempt, success and refusal, with the hash before and after', async () => {
    const [one, two] = [sha256('1'), sha256('2')];
    await hand.put('a', '1', { actor: 'me', reason: 'first' });
    await hand.put('a', '2');
    await refusal(hand.put('a', '3', { precondition: 'none' }), 'version-conflict');
    await hand.rollback('a', 1, { actor: 'you', reason: 'bad' });
    const attempts = hand.entries.map(({ attempt }) => attempt);
    expect(attempts.map((attempt) => typeof attempt)).toEqual(['string', 'string', 'string', 'string', 'undefined', 'string', 'string']);
    expect([attempts[0], attempts[2], attempts[5]]).toEqual([attempts[1], attempts[3], attempts[6]]);
    expect(new Set(attempts).size).toBe(4);
    const first = { action: 'put', name: 'a', actor: 'me', reason: 'first', to: { version: 1, sha256: one, bytes: 1 } };
    const second = { action: 'put', name: 'a', from: { version: 1, sha256: one }, to: { version: 2, sha256: two, bytes: 1 } };
    const back = { action: 'rollback', name: 'a', actor: 'you', reason: 'bad', restores: 1 };
    const third = { ...back, from: { version: 2, sha256: two }, to: { version: 3, sha256: one, bytes: 1 } };
    expect(hand.entries.map(({ attempt: _, ...entry }) => entry)).toEqual([
      { ...first, outcome: 'attempted' },
      { ...first, outcome: 'done' },
      { ...second, outcome: 'attempted' },
      { ...second, outcome: 'done' },
      {
        action: 'put',
        name: 'a',
        from: { version: 2, sha256: two },
        to: { sha256: sha256('3'), bytes: 1 },
        outcome: 'refused',
        code: 'version-conflict',
        detail: '"a" is there already, at version 2',
      },
      { ...third, outcome: 'attempted' },
      { ...third, outcome: 'done' },
    ]);
  });

  it('that takes no attempt keeps the change from happening', async () => {
    await hand.put('a', '1');
    const before = hand.listing();
    hand.recording = () => Promise.reject(Object.assign(new Error('no space'), { code: 'ENOSPC' }));
    await refusal(hand.put('a', '2'), 'disk-full');
    await refusal(hand.rollback('a', 1), 'disk-full');
    hand.recording = () => Promise.resolve();
    expect((await hand.read('a', 1)).toString()).toBe('1');
    await hand.put('a', '3');
    expect(hand.entries.slice(2)).toEqual(
      of(
        { action: 'put', outcome: 'failed', code: 'closed', recovered: true },
        { action: 'put', outcome: 'attempted', to: { version: 2, sha256: sha256('3'), bytes: 1 } },
        { action: 'put', outcome: 'done' },
      ),
    );
    expect([...before.keys()].every((path) => hand.listing().has(path))).toBe(true);
  });

  it('that takes an attempt and not its end is told at the next change how it ended', async () => {
    hand.recording = ({ outcome }) => (outcome === 'done' ? Promise.reject(new Error('away')) : Promise.resolve());
    await refusal(hand.put('a', '1'), 'version-io');
    expect(hand.store.summary('a').head.version).toBe(1);
    hand.recording = () => Promise.resolve();
    await hand.put('a', '2');
    expect(hand.entries.map(({ outcome, recovered }) => [outcome, recovered])).toEqual([
      ['attempted', undefined],
      ['done', true],
      ['attempted', undefined],
      ['done', undefined],
    ]);
    expect(hand.entries[1].attempt).toBe(hand.entries[0].attempt);
  });

  it('has one entry that says so of a change that fails', async () => {
    await hand.put('a', '1');
    let left = 1;
    const index = hand.paths.index('a');
    // The first attempt is taken, then the disk is gone for the change itself.
    hand.recording = async ({ outcome }) => {
      if (outcome !== 'attempted' || left-- === 0) return;
      renameSync(index, `${index}.away`);
      mkdirSync(index);
    };
    await refusal(hand.put('a', '2'), 'version-io');
    rmdirSync(index);
    renameSync(`${index}.away`, index);
    expect(hand.entries.slice(2)).toEqual(of({ outcome: 'attempted' }, { outcome: 'failed', code: 'version-io' }));
    expect(hand.entries[3].attempt).toBe(hand.entries[2].attempt);
    expect(hand.objects()).toEqual([sha256('1')]);
    expect((await hand.put('a', '2')).record.version).toBe(2);
    expect(hand.incoming()).toEqual([]);
  });
});
