import { appendFileSync, mkdirSync, readFileSync, renameSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { holdHead, pinVersion } from '../../src/versions/alterations.ts';
import { formatHead, parseHead, type Head } from '../../src/versions/head-file.ts';
import { formatLine, hashLine, NO_LINE, parseIndex, type IndexedRecord } from '../../src/versions/index-file.ts';
import { RevertTimer } from '../../src/versions/revert-timer.ts';
import { flipBit } from '../support/flips.ts';
import { noise, refusal, sha256, StoreInHand } from '../support/store-in-hand.ts';
import { tempDir } from '../support/temp-dir.ts';

let directory: ReturnType<typeof tempDir>;
let hand: StoreInHand;

beforeEach(async () => {
  directory = tempDir();
  hand = await new StoreInHand(directory.path).open();
  for (let i = 1; i <= 4; i++) await hand.put('a', `${'text '.repeat(50)}${i}`);
  await hand.put('other', 'other');
});
afterEach(() => {
  vi.useRealTimers();
  directory[Symbol.dispose]();
});

const readHead = (): Head => parseHead(readFileSync(hand.paths.head('a'), 'utf8'), 'a');

/** A head that says something else, with its right hash. */
function forgeHead(change: Partial<Record<keyof Head, unknown>>): void {
  writeFileSync(hand.paths.head('a'), formatHead({ ...readHead(), ...change } as Head));
}

/** An index that says something else, with right hashes and a head that names its last line. */
function forgeIndex(change: (record: IndexedRecord) => Record<string, unknown>): void {
  const lines: string[] = [];
  for (const record of parseIndex(readFileSync(hand.paths.index('a'), 'utf8'), readHead().line)) {
    const previous = lines.length === 0 ? NO_LINE : hashLine(lines[lines.length - 1]);
    lines.push(formatLine({ ...record, ...change(record), previous }));
  }
  writeFileSync(hand.paths.index('a'), lines.join(''));
  forgeHead({ indexBytes: Buffer.byteLength(lines.join('')), line: hashLine(lines[lines.length - 1]) });
}

/** Nothing is lost, nothing is handed out, nobody else is disturbed. */
async function expectRefused(): Promise<void> {
  const before = hand.listing();
  await hand.open();
  expect(hand.store.damages().map(({ place }) => place)).toEqual(['names/a']);
  await refusal(hand.read('a', 4), 'version-damaged');
  await refusal(hand.put('a', 'x'), 'version-damaged');
  expect((await hand.read('other', 1)).toString()).toBe('other');
  expect(hand.listing()).toEqual(before);
}

describe('a version file with right hashes that contradicts itself', () => {
  it.each([
    ['an oldest version above the head', { oldest: 5 }],
    ['a pin of a version that is not there', { pins: [{ version: 9, sha256: sha256('x') }] }],
    ['a pin with the hash of another content', { pins: [{ version: 2, sha256: sha256('x') }] }],
    ['a revert to a version that is not there', { confirm: { before: '2026-01-01T00:00:00.000Z', revertsTo: 4 } }],
    ['a revert at no time', { confirm: { before: 'soon', revertsTo: 3 } }],
    ['another name', { name: 'other' }],
    ['another format', { format: 2 }],
    ['a version of no number', { version: '4' }],
    ['half the index', { indexBytes: 400 }],
    ['more bytes than a number counts', { bytes: 2 ** 60 }],
  ])('is refused: a head with %s', async (_, change) => {
    forgeHead(change);
    await expectRefused();
  });

  it.each<[string, (record: IndexedRecord) => Record<string, unknown>]>([
    ['at no time', () => ({ at: 'yesterday' })],
    ['that leaves a version out', ({ version }) => ({ version: version + 1 })],
    ['that restores what is still to come', ({ version }) => ({ restores: version })],
    ['whose whole content nothing keeps', ({ version }) => (version === 3 ? { kind: 'full', patch: undefined, keepsPrevious: false } : {})],
    ['of a first version with a patch', ({ version }) => (version === 1 ? { kind: 'splice', patch: sha256('x') } : {})],
    ['of another kind', () => ({ kind: 'magic' })],
  ])('is refused: an index with a line %s', async (_, change) => {
    forgeIndex(change);
    await expectRefused();
  });

  it('is ignored, or settled once: what says that a change is under way', async () => {
    const asked = { action: 'put', name: 'a' };
    const hostile = ['', '{', '[]', 'null', '\0'.repeat(100_000), '{"__proto__":1}', JSON.stringify({ attempt: 1, head: 'x', asked })];
    // Entries of such shapes would be damage to whoever verifies the ledger.
    const shapes = [
      { ...asked, name: 'other' },
      { ...asked, action: 'forget' },
      { ...asked, more: 1 },
      { ...asked, actor: 5 },
      { ...asked, reason: 'x'.repeat(501) },
      { ...asked, from: { version: 1 } },
      { ...asked, from: { version: 1.5, sha256: sha256('x') } },
      { ...asked, to: { sha256: 'x' } },
      { ...asked, to: { sha256: sha256('x'), more: 1 } },
      { ...asked, restores: 2 ** 60 },
      { ...asked, restores: '1' },
    ];
    for (const shape of shapes) hostile.push(JSON.stringify({ attempt: 'x', head: sha256('x'), asked: shape }));
    hostile.push(JSON.stringify({ attempt: 'x'.repeat(65), head: sha256('x'), asked }), JSON.stringify({ attempt: 'x', head: 'x', asked }));
    for (const text of hostile) {
      writeFileSync(hand.paths.pending('a'), text);
      const entries = hand.entries.length;
      await hand.open();
      expect(hand.entries).toHaveLength(entries);
      expect([...hand.listing().keys()]).not.toContain('names/a/pending');
    }
    writeFileSync(hand.paths.pending('a'), JSON.stringify({ attempt: 'x', head: sha256('x'), asked }));
    await hand.open();
    await hand.open();
    expect(hand.entries.filter(({ attempt }) => attempt === 'x')).toEqual([
      expect.objectContaining({ ...asked, outcome: 'failed', recovered: true }),
    ]);
    expect([hand.troubles, hand.store.damages(), (await hand.store.verify('a')).damages]).toEqual([[], [], []]);
  });
});

describe('a folder of versions', () => {
  it('in which a head cannot be read now loses nothing of it', async () => {
    const before = hand.listing();
    for (const file of [hand.paths.head('a'), hand.paths.index('a')]) {
      renameSync(file, `${file}.away`);
      mkdirSync(file);
      await hand.open();
      expect(hand.store.damages()).toMatchObject([{ place: 'names/a' }]);
      await refusal(hand.put('a', 'x', { precondition: 'none' }), 'version-io');
      await refusal(hand.read('a', 1), 'version-io');
      expect(hand.store.summary('other').head.version).toBe(1);
      rmdirSync(file);
      renameSync(`${file}.away`, file);
    }
    await hand.open();
    expect(hand.listing()).toEqual(before);
    expect(await hand.store.verify('a')).toMatchObject({ checked: 4, damages: [] });
  });

  it('with files of somebody else in it is opened, and they stay', async () => {
    const { root } = hand.paths;
    for (const folder of ['objects/lost+found', 'objects/ab', 'names/.hidden', 'names/empty'])
      mkdirSync(join(root, folder), { recursive: true });
    for (const file of ['objects/README', 'objects/ab/README', 'names/README', 'names/.hidden/head']) writeFileSync(join(root, file), 'x');
    const before = hand.listing();
    mkdirSync(join(root, 'incoming/folder'));
    await hand.open();
    // A file where an artifact's folder would be, and a folder where a start removes files, are told.
    expect(hand.troubles.map(({ code }) => code)).toEqual(['version-io', 'version-io']);
    rmdirSync(join(root, 'incoming/folder'));
    rmSync(join(root, 'names/README'));
    before.delete('names/README');
    await hand.open();
    expect([hand.troubles.length, hand.store.damages(), hand.listing()]).toEqual([2, [], before]);
    await hand.put('empty', '1');
  });

  it('with a line that no head counts is whole as long as that change is under way', async () => {
    const { attempt } = hand.entries[0];
    appendFileSync(hand.paths.index('a'), '{"half":');
    writeFileSync(hand.paths.pending('a'), JSON.stringify({ attempt, head: sha256('x'), asked: { action: 'put', name: 'a' } }));
    await hand.open();
    expect([hand.store.damages(), hand.entries.at(-1)]).toMatchObject([[], { outcome: 'failed', attempt, recovered: true }]);
    await hand.open();
    expect(hand.store.damages()).toEqual([]);
    await hand.put('a', 'x');
    await hand.open();
    expect((await hand.read('a', 5)).toString()).toBe('x');
  });
});

describe('a version whose object changes', () => {
  it('is never handed out wrong, however soon after it was found to be right', async () => {
    for (let i = 0; i < 30; i++) {
      const content = Buffer.from(`content ${i}`);
      await hand.put('a', content);
      const version = i + 5;
      expect((await hand.read('a', version)).equals(content)).toBe(true);
      // A file system may give the change the time of the one before.
      writeFileSync(hand.paths.object(sha256(content)), flipBit(content, i % 64));
      await refusal(hand.read('a', version), 'version-damaged');
      writeFileSync(hand.paths.object(sha256(content)), content);
    }
  });

  it('and that another artifact no longer needs stays as long as one of the artifacts cannot be read', async () => {
    hand.limits = { ...hand.limits, keep: 2 };
    const shared = noise(500);
    await hand.put('twin', shared);
    await hand.put('b', shared);
    const head = readFileSync(hand.paths.head('twin'));
    writeFileSync(hand.paths.head('twin'), flipBit(head, 50));
    await hand.open();
    for (let i = 0; i < 4; i++) await hand.put('b', noise(100));
    await refusal(hand.read('b', 1), 'version-gone');
    writeFileSync(hand.paths.head('twin'), head);
    await hand.open();
    expect((await hand.read('twin', 1)).equals(shared)).toBe(true);
    expect((await hand.store.verify('twin')).damages).toEqual([]);
  });
});

describe('the check of versions', () => {
  it('looks at pinned contents too', async () => {
    for (let i = 5; i <= 8; i++) await hand.put('a', `${'text '.repeat(50)}${i}`);
    await pinVersion(hand.store, 'a', 6, true, {});
    const object = hand.paths.object(hand.store.records('a', 7, 1)[0].sha256);
    writeFileSync(object, flipBit(readFileSync(object), 0));
    await refusal(hand.read('a', 6), 'version-damaged');
    expect((await hand.store.verify('a')).damages).toMatchObject([{ place: hand.paths.placeOf(object) }]);
  });

  it('is not disturbed by new heads, retention and pins that end', async () => {
    hand.limits = { ...hand.limits, keep: 2 };
    await hand.open();
    await pinVersion(hand.store, 'a', 1, true, {});
    const checks: Promise<unknown>[] = [];
    for (let i = 0; i < 30; i++) {
      const change = i === 20 ? pinVersion(hand.store, 'a', 1, false, {}) : hand.put('a', i % 2 === 0 ? noise(300) : `${i}`);
      for (let j = 0; j < 4; j++)
        checks.push(
          Promise.resolve()
            .then(() => new Promise((resolve) => setImmediate(resolve)))
            .then(() => hand.store.verify('a'))
            .then(({ damages }) => expect(damages).toEqual([])),
        );
      await change;
    }
    await Promise.all(checks);
  });
});

describe('an entry of versions', () => {
  it('is made of a change that could not even be begun', async () => {
    const { length } = hand.entries;
    // The folder of the new artifact cannot be made.
    rmSync(join(hand.paths.names, 'new'), { force: true });
    writeFileSync(join(hand.paths.names, 'new'), '');
    await refusal(hand.put('new', 'x'), 'version-io');
    expect(hand.entries.slice(length)).toMatchObject([{ action: 'put', name: 'new', outcome: 'refused', code: 'version-io' }]);
    rmSync(join(hand.paths.names, 'new'));
    // The change before has an end that the ledger does not take.
    hand.recording = ({ outcome }) => (outcome === 'done' ? Promise.reject(new Error('away')) : Promise.resolve());
    await refusal(holdHead(hand.store, 'a', true, {}), 'version-io');
    await refusal(holdHead(hand.store, 'a', false, {}), 'version-io');
    hand.recording = () => Promise.resolve();
    await holdHead(hand.store, 'a', false, {});
    expect(hand.entries.slice(length + 1).map(({ action, outcome, recovered }) => [action, outcome, recovered])).toEqual([
      ['hold', 'attempted', undefined],
      ['release', 'refused', undefined],
      ['hold', 'done', true],
      ['release', 'attempted', undefined],
      ['release', 'done', undefined],
    ]);
  });
});

describe('the revert of a version that cannot be made', () => {
  it('is tried again after longer and longer, however often others ask', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    await hand.put('a', 'new', { confirmWithinS: 1 });
    const object = hand.paths.object(hand.store.records('a', 5, 1)[0].sha256);
    const original = readFileSync(object);
    writeFileSync(object, flipBit(original, 5));
    hand.nowMs += 1000;
    const failures: unknown[] = [];
    const timer = new RevertTimer(hand.store, (error) => failures.push(error));
    const tries = async (ms: number): Promise<number> => {
      await vi.advanceTimersByTimeAsync(ms);
      await timer.idle();
      for (let asked = 0; asked < 5; asked++) timer.look();
      await vi.advanceTimersByTimeAsync(1);
      await timer.idle();
      return failures.length;
    };
    timer.look();
    expect(await tries(0)).toBe(1);
    expect(await tries(4900)).toBe(1);
    expect(await tries(200)).toBe(2);
    expect(await tries(5000)).toBe(2);
    expect(await tries(5100)).toBe(3);
    for (let minute = 0; minute < 24 * 60; minute++) await tries(60_000);
    expect(failures.length).toBeLessThan(160);
    expect(hand.entries.filter(({ action }) => action === 'revert')).toHaveLength(failures.length);
    writeFileSync(object, original);
    await tries(600_000);
    expect(hand.store.summary('a').head).toMatchObject({ version: 6, cause: 'revert' });
    await timer.stop();
  });
});
