import { readdirSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseRange } from '../../src/http/byte-range.ts';
import { streamPrivately } from '../../src/http/private-file.ts';
import { openRaw } from '../support/raw-http.ts';
import { startVersionsApp, type VersionsApp } from '../support/versions-app.ts';

const TEN = '0123456789';
const MIB = 1024 * 1024;

let app: VersionsApp;
beforeEach(async () => {
  app = await startVersionsApp();
});
afterEach(() => app[Symbol.asyncDispose]());

describe('the content of a version', () => {
  it('comes as plain bytes that nobody takes for a page, with its ETag', async () => {
    const { sha256 } = app.versions.add('a', '<script>');
    app.versions.add('a', TEN);
    const { status, headers, text } = await app.ask('GET', '/versions/a/1');
    expect([status, text]).toEqual([200, '<script>']);
    expect(Object.fromEntries(headers)).toMatchObject({
      'content-type': 'application/octet-stream',
      'x-content-type-options': 'nosniff',
      'content-length': '8',
      'accept-ranges': 'bytes',
      'cache-control': 'private, max-age=31536000, immutable',
      etag: `"1-${sha256}"`,
    });
    const head = await app.ask('GET', '/versions/a/head');
    expect([head.text, head.headers.get('etag')?.slice(0, 3), head.headers.get('cache-control')]).toEqual([TEN, '"2-', 'no-cache']);
  });

  it('leaves no file behind, however much of it was read', async () => {
    app.versions.add('a', TEN);
    app.versions.add('a', new Uint8Array(32 * MIB));
    app.versions.add('empty', '');
    await app.ask('GET', '/versions/a/1');
    expect((await app.ask('GET', '/versions/empty/1')).headers.get('content-length')).toBe('0');
    const socket = await openRaw(app.port, 'GET /versions/a/2 HTTP/1.1\r\nHost: x\r\n\r\n');
    await new Promise((resolve) => socket.once('data', resolve));
    socket.destroy();
    expect(readdirSync(app.versions.folder)).toEqual([]);
    // What was sent is counted when the stream is closed: it is, though nobody read to the end.
    await expect
      .poll(async () => (await app.ask('GET', '/metrics')).text)
      .toMatch(/^proofs_versions_bytes_total\{direction="out"\} \d{3,}$/m);
  });

  it('is closed with its reader, also when that never read', async () => {
    const open = (): number =>
      readdirSync('/proc/self/fd').filter((fd) => {
        try {
          return readlinkSync(join('/proc/self/fd', fd)).startsWith(app.versions.folder);
        } catch {
          return false;
        }
      }).length;
    for (const hasRead of [false, true]) {
      const path = join(app.versions.folder, 'content');
      writeFileSync(path, new Uint8Array(2 * MIB));
      const stream = await streamPrivately(path, undefined, () => undefined);
      expect(open()).toBe(1);
      if (hasRead) await new Promise((resolve) => stream.once('data', resolve));
      stream.destroy();
      await expect.poll(open).toBe(0);
    }
  });

  it('is described by HEAD without being made', async () => {
    app.versions.add('a', TEN);
    app.versions.add('a', 'b');
    app.versions.opening = () => Promise.reject(new Error('made'));
    for (const path of ['/versions/a/1', '/versions/a/head']) {
      const { status, headers } = await app.ask('HEAD', path, { range: 'bytes=0-0' });
      expect([status, headers.get('etag')?.length, headers.get('accept-ranges')]).toEqual([200, 68, 'bytes']);
    }
    expect((await app.ask('HEAD', '/versions/a/1')).headers.get('content-length')).toBe('10');
    app.versions.set('a', { oldest: 2 });
    expect((await app.ask('HEAD', '/versions/a/1')).status).toBe(410);
    expect((await app.ask('HEAD', '/versions/a/3')).status).toBe(404);
    expect((await app.ask('HEAD', '/versions/b/head')).status).toBe(404);
  });

  it('says 404 for what never was and 410 for what retention removed', async () => {
    app.versions.add('a', TEN);
    app.versions.add('a', 'b');
    app.versions.set('a', { oldest: 2 });
    const codes = ['/versions/a/3', '/versions/b/1', '/versions/b/head', '/versions/a/1', '/versions/a/2'];
    expect(await Promise.all(codes.map(async (path) => (await app.ask('GET', path)).status))).toEqual([404, 404, 404, 410, 200]);
  });

  it('keeps the conditions of RFC 9110', async () => {
    const { sha256 } = app.versions.add('a', TEN);
    const etag = `"1-${sha256}"`;
    const status = async (headers: Record<string, string>): Promise<number> => (await app.ask('GET', '/versions/a/head', headers)).status;
    for (const list of [etag, `W/${etag}`, '*', `"x", ${etag}`]) expect(await status({ 'if-none-match': list }), list).toBe(304);
    for (const list of ['"x"', 'garbage', sha256, '']) expect(await status({ 'if-none-match': list }), list).toBe(200);
    for (const list of [etag, '*', `"x", ${etag}`]) expect(await status({ 'if-match': list }), list).toBe(200);
    for (const list of ['"x"', `W/${etag}`, 'garbage']) expect(await status({ 'if-match': list }), list).toBe(412);
    const { headers, text } = await app.ask('GET', '/versions/a/head', { 'if-none-match': etag });
    expect([headers.get('etag'), text]).toEqual([etag, '']);
  });
});

describe('Range', () => {
  it.each([
    ['bytes=0-0', 206, '0', 'bytes 0-0/10'],
    ['bytes=2-4', 206, '234', 'bytes 2-4/10'],
    ['bytes=8-', 206, '89', 'bytes 8-9/10'],
    ['bytes=8-99', 206, '89', 'bytes 8-9/10'],
    ['bytes=-3', 206, '789', 'bytes 7-9/10'],
    ['bytes=-99', 206, TEN, 'bytes 0-9/10'],
    ['bytes=10-', 416, undefined, 'bytes */10'],
    ['bytes=99-100', 416, undefined, 'bytes */10'],
    ['bytes=-0', 416, undefined, 'bytes */10'],
    ['bytes=0-1,4-5', 200, TEN, null],
    ['bytes=5-2', 200, TEN, null],
    ['bytes=a-b', 200, TEN, null],
    ['bytes=--1', 200, TEN, null],
    ['lines=1-2', 200, TEN, null],
    ['bytes=99999999999999999999-', 200, TEN, null],
  ])('%s is answered with %i', async (range, status, text, contentRange) => {
    app.versions.add('a', TEN);
    const answer = await app.ask('GET', '/versions/a/1', { range });
    expect([answer.status, answer.headers.get('content-range')]).toEqual([status, contentRange]);
    if (text === undefined) expect(answer.json.type).toBe('urn:post-incident-proofs:error:bad-range');
    else expect([answer.text, answer.headers.get('content-length')]).toEqual([text, String(text.length)]);
  });

  it('holds only for the version that If-Range names', async () => {
    const { sha256 } = app.versions.add('a', TEN);
    const status = async (condition: string): Promise<number> =>
      (await app.ask('GET', '/versions/a/head', { range: 'bytes=1-1', 'if-range': condition })).status;
    expect(await status(`"1-${sha256}"`)).toBe(206);
    for (const other of [`W/"1-${sha256}"`, '"x"', 'Thu, 01 Jan 2026 00:00:00 GMT']) expect(await status(other), other).toBe(200);
  });

  it('of nothing cannot be satisfied', () => {
    expect(['bytes=0-', 'bytes=-1', 'bytes=0-0'].map((range) => parseRange(range, 0))).toEqual(Array(3).fill('unsatisfiable'));
    expect(parseRange(undefined, 5)).toBeUndefined();
  });
});
