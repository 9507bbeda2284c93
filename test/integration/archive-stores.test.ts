import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DirectoryStore } from '../../src/archive/directory-store.ts';
import { S3Store, type S3StoreOptions } from '../../src/archive/s3-store.ts';
import { describeObjectStoreLaws } from '../support/object-store-laws.ts';
import { S3_ACCESS_KEY_ID, S3_BUCKET, S3_REGION, S3_SECRET_ACCESS_KEY, startS3Server } from '../support/s3-server.ts';
import { tempDir } from '../support/temp-dir.ts';

function s3Options(endpoint: string, change: Partial<S3StoreOptions> = {}): S3StoreOptions {
  return {
    endpoint,
    region: S3_REGION,
    bucket: S3_BUCKET,
    prefix: 'team/a',
    accessKeyId: S3_ACCESS_KEY_ID,
    secretAccessKey: S3_SECRET_ACCESS_KEY,
    ...change,
  };
}

describe('a folder as object store', () => {
  describeObjectStoreLaws(async () => {
    const folder = tempDir();
    return { store: new DirectoryStore(join(folder.path, 'archive')), [Symbol.asyncDispose]: async () => folder[Symbol.dispose]() };
  });

  it('shows nothing of a put that was interrupted', async () => {
    using folder = tempDir();
    mkdirSync(join(folder.path, '.incoming'));
    writeFileSync(join(folder.path, '.incoming', 'half'), 'half of an object');
    const store = new DirectoryStore(folder.path);
    await store.put('whole', Buffer.from('whole'));
    expect(await store.list('', 10)).toEqual(['whole']);
    expect(readdirSync(join(folder.path, '.incoming'))).toEqual(['half']);
  });

  it('goes on when its folders were removed meanwhile', async () => {
    using folder = tempDir();
    const store = new DirectoryStore(join(folder.path, 'a'));
    await store.put('x/y', Buffer.from('1'));
    rmSync(join(folder.path, 'a'), { recursive: true });
    await expect(store.put('x/y', Buffer.from('2'))).rejects.toMatchObject({ code: 'archive-unreachable' });
    await store.put('x/y', Buffer.from('3'));
    expect(Buffer.from((await store.get('x/y', 10)) ?? []).toString()).toBe('3');
  });

  it('says what it could not do where a file stands in the way', async () => {
    using folder = tempDir();
    writeFileSync(join(folder.path, 'file'), '');
    const store = new DirectoryStore(join(folder.path, 'file'));
    await expect(store.put('a', new Uint8Array(1))).rejects.toMatchObject({
      code: 'archive-unreachable',
      message: expect.stringMatching(/^could not write "a" in .*file: (ENOTDIR|EEXIST)/),
    });
  });
});

describe('S3 as object store', () => {
  describeObjectStoreLaws(async () => {
    const server = await startS3Server();
    return { store: new S3Store(s3Options(server.endpoint)), [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
  });

  it('keeps to its prefix in the bucket', async () => {
    await using server = await startS3Server();
    const [a, b] = ['team/a', 'team/ab'].map((prefix) => new S3Store(s3Options(server.endpoint, { prefix })));
    await a.put('checkpoint', Buffer.from('of a'));
    await b.put('checkpoint', Buffer.from('of ab'));
    expect(await a.list('', 10)).toEqual(['checkpoint']);
    expect(Buffer.from((await a.get('checkpoint', 10)) ?? []).toString()).toBe('of a');
    expect(server.requests[0]).toBe('PUT /ledgers/team/a/checkpoint');
  });

  it.each<readonly [string, Partial<S3StoreOptions>, RegExp]>([
    ['a wrong secret', { secretAccessKey: 'guessed-secret' }, /403 SignatureDoesNotMatch: the signature is wrong/],
    ['another account', { accessKeyId: 'somebody' }, /403 SignatureDoesNotMatch/],
    ['a bucket that is not there', { bucket: 'other-bucket' }, /404 NoSuchBucket/],
  ])('is refused with %s, and says so without the secret', async (_what, change, message) => {
    await using server = await startS3Server();
    const store = new S3Store(s3Options(server.endpoint, change));
    const refused = expect.objectContaining({ code: 'archive-unreachable', message: expect.stringMatching(message) });
    await expect(store.put('a', new Uint8Array(1))).rejects.toEqual(refused);
    const error: unknown = await store.get('a', 10).catch((reason: unknown) => reason);
    expect(error).toEqual(refused);
    expect(JSON.stringify([String(error), store.location])).not.toContain(change.secretAccessKey ?? 'S3RVER');
  });

  it('gives up on a server that never answers', async () => {
    await using server = await startS3Server();
    server.fail(1, 0);
    const store = new S3Store(s3Options(server.endpoint, { requestMsMax: 200 }));
    await expect(store.put('a', new Uint8Array(1))).rejects.toThrow('no answer within 200 ms');
  });

  it('says so when nobody listens', async () => {
    const server = await startS3Server();
    await server[Symbol.asyncDispose]();
    const store = new S3Store(s3Options(server.endpoint));
    await expect(store.get('a', 10)).rejects.toMatchObject({
      code: 'archive-unreachable',
      message: expect.stringContaining('ECONNREFUSED'),
    });
  });
});
