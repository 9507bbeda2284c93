import { expect, it } from 'vitest';
import { ArchiveError } from '../../src/archive/archive-error.ts';
import type { ObjectStore } from '../../src/kernel/object-store.ts';
import { testSeed } from './seed.ts';
import { Dice } from './dice.ts';

export interface StoreUnderTest extends AsyncDisposable {
  readonly store: ObjectStore;
}

/** What every object store owes its callers (kernel/object-store.ts). `open` gives an empty one. */
export function describeObjectStoreLaws(open: () => Promise<StoreUnderTest>): void {
  it('gives back the very bytes that were put', async () => {
    await using opened = await open();
    const dice = new Dice(testSeed(), 0);
    const content = Uint8Array.from({ length: 300_000 }, () => dice.below(256));
    await opened.store.put('tile/0/x001/234', content);
    expect(await opened.store.get('tile/0/x001/234', 300_000)).toEqual(content);
    await opened.store.put('empty', new Uint8Array(0));
    expect(await opened.store.get('empty', 0)).toEqual(new Uint8Array(0));
  });

  it('puts a part of a larger buffer and no more of it', async () => {
    await using opened = await open();
    await opened.store.put('part', Buffer.from('0123456789').subarray(3, 6));
    expect(await opened.store.get('part', 10)).toEqual(new Uint8Array(Buffer.from('345')));
  });

  it('replaces what was there', async () => {
    await using opened = await open();
    await opened.store.put('checkpoint', Buffer.from('a longer first text'));
    await opened.store.put('checkpoint', Buffer.from('second'));
    expect(await opened.store.get('checkpoint', 100)).toEqual(new Uint8Array(Buffer.from('second')));
  });

  it('answers undefined for a key that has no object, and no error', async () => {
    await using opened = await open();
    expect(await opened.store.get('nothing/here', 100)).toBeUndefined();
  });

  it('refuses to read an object larger than the caller allows', async () => {
    await using opened = await open();
    await opened.store.put('large', Buffer.alloc(1001));
    expect(await opened.store.get('large', 1001)).toHaveLength(1001);
    await expect(opened.store.get('large', 1000)).rejects.toThrow(ArchiveError);
  });

  it('lists the keys with a prefix in ascending order, and nothing else', async () => {
    await using opened = await open();
    const keys = ['a', 'tile/1/000', 'tile/1/000.p/2', 'tile/1/000.p/17', 'tile/1/001', 'tile/10/000', 'tiles', 'z'];
    for (const key of keys.toReversed()) await opened.store.put(key, Buffer.from(key));
    expect(await opened.store.list('', 100)).toEqual(keys.toSorted());
    expect(await opened.store.list('tile/1/', 100)).toEqual(['tile/1/000', 'tile/1/000.p/17', 'tile/1/000.p/2', 'tile/1/001']);
    expect(await opened.store.list('tile/1/000.p/', 100)).toEqual(['tile/1/000.p/17', 'tile/1/000.p/2']);
    expect(await opened.store.list('tile', 100)).toEqual(keys.filter((key) => key.startsWith('tile')).toSorted());
    expect(await opened.store.list('nothing/', 100)).toEqual([]);
  });

  it('refuses to list more keys than the caller allows', async () => {
    await using opened = await open();
    for (const key of ['k/1', 'k/2', 'k/3']) await opened.store.put(key, new Uint8Array(1));
    expect(await opened.store.list('k/', 3)).toHaveLength(3);
    await expect(opened.store.list('k/', 2)).rejects.toThrow(ArchiveError);
  });

  it('removes an object, also one that is not there, and leaves its neighbours', async () => {
    await using opened = await open();
    await opened.store.put('p/1', new Uint8Array(1));
    await opened.store.put('p/2', new Uint8Array(2));
    await opened.store.remove('p/1');
    await opened.store.remove('p/1');
    await opened.store.remove('q/1');
    expect(await opened.store.list('', 10)).toEqual(['p/2']);
  });

  it('takes many puts at a time', async () => {
    await using opened = await open();
    const keys = Array.from({ length: 40 }, (_, i) => `many/${i % 4}/${i}`);
    await Promise.all(keys.map((key) => opened.store.put(key, Buffer.from(key))));
    expect(await opened.store.list('many/', 100)).toEqual(keys.toSorted());
    for (const key of keys) expect(Buffer.from((await opened.store.get(key, 100)) ?? []).toString()).toBe(key);
  });

  it.each(['', '/a', 'a/', 'a//b', '.', '..', 'a/../b', '../b', 'a/.hidden', 'a b', 'ä', 'a\nb', 'a'.repeat(513)])(
    'refuses %j, which is no key',
    async (key) => {
      await using opened = await open();
      await expect(opened.store.put(key, new Uint8Array(1))).rejects.toThrow('is an object key');
      await expect(opened.store.get(key, 1)).rejects.toThrow('is an object key');
      await expect(opened.store.remove(key)).rejects.toThrow('is an object key');
    },
  );
}
