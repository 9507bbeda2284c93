import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startVersionsApp, type VersionsApp } from '../support/versions-app.ts';

const FIRST = { 'if-none-match': '*' };
const OTHER = `"1-${'0'.repeat(64)}"`;

let app: VersionsApp;
beforeEach(async () => {
  app = await startVersionsApp({ bytesMax: 100_000 });
});
afterEach(() => app[Symbol.asyncDispose]());

function faultsOf(json: Record<string, unknown>): string[] {
  return (json.faults as { field: string }[]).map(({ field }) => field);
}

describe('PUT /versions/{name}', () => {
  it('stores any media type and any bytes, and names what it stored', async () => {
    const content = Uint8Array.from({ length: 256 }, (_, i) => i);
    const headers = { ...FIRST, 'content-type': 'image/png', 'x-actor': 'ann', 'x-reason': 'begin' };
    const { status, headers: got, json } = await app.ask('PUT', '/versions/app.conf', headers, content);
    expect(status).toBe(201);
    expect(json).toMatchObject({ version: 1, bytes: 256, cause: 'put', actor: 'ann', reason: 'begin' });
    expect(got.get('etag')).toBe(`"1-${String(json.sha256)}"`);
    expect(json.etag).toBe(got.get('etag'));
    expect(got.get('location')).toBe('/versions/app.conf/1');
    const next = { 'if-match': got.get('etag') ?? '' };
    expect((await app.ask('PUT', '/versions/app.conf?confirmWithin=60', next, 'other')).json).toMatchObject({ version: 2 });
    expect(app.versions.asked.at(-1)).toMatchObject({ name: 'app.conf', confirmWithinS: 60 });
  });

  it.each([
    ['a body with an unknown length', () => new Blob(['chunked']).stream(), 7],
    ['an empty body', () => '', 0],
  ])('takes %s', async (_case, body, bytes) => {
    const init = { method: 'PUT', headers: FIRST, body: body(), duplex: 'half' } as RequestInit;
    expect(await (await fetch(`${app.url}/versions/a`, init)).json()).toMatchObject({ version: 1, bytes });
  });

  it('reads X-Reason as UTF-8', async () => {
    const reason = 'größer — 更大';
    await app.ask('PUT', '/versions/a', { ...FIRST, 'x-reason': Buffer.from(reason).toString('latin1') }, 'x');
    expect(app.versions.asked.at(-1)).toMatchObject({ reason });
  });

  it('without a precondition answers 428 and says which version to name', async () => {
    const { sha256 } = app.versions.add('a', 'old');
    const { status, headers, json } = await app.ask('PUT', '/versions/a', {}, 'new');
    expect(status).toBe(428);
    expect(json).toMatchObject({ current: { version: 1, sha256, etag: `"1-${sha256}"` } });
    expect(headers.get('etag')).toBe(`"1-${sha256}"`);
    expect((await app.ask('PUT', '/versions/new', {}, 'new')).json).not.toHaveProperty('current');
  });

  it('with a stale precondition answers 412 with the head', async () => {
    const { sha256 } = app.versions.add('a', 'old');
    for (const headers of [FIRST, { 'if-match': OTHER }]) {
      const { status, headers: got, json } = await app.ask('PUT', '/versions/a', headers, 'new');
      expect({ status, etag: got.get('etag') }).toEqual({ status: 412, etag: `"1-${sha256}"` });
      expect(json).toMatchObject({ type: 'urn:post-incident-proofs:error:version-conflict', current: { version: 1, sha256 } });
    }
    expect(app.versions.staged.size).toBe(0);
  });

  it('answers a repeated Idempotency-Key as before, and refuses it for other bytes', async () => {
    const headers = { ...FIRST, 'idempotency-key': 'k1' };
    const { json } = await app.ask('PUT', '/versions/a', headers, 'x');
    const again = await app.ask('PUT', '/versions/a', headers, 'x');
    expect({ status: again.status, replayed: again.headers.get('idempotency-replayed') }).toEqual({ status: 200, replayed: 'true' });
    expect(again.json).toEqual(json);
    expect((await app.ask('PUT', '/versions/a', headers, 'y')).status).toBe(422);
  });

  it('says 423 while held', async () => {
    const { sha256 } = app.versions.add('a', 'x');
    await app.ask('PUT', '/versions/a/hold', { 'content-type': 'application/json' }, '{"reason":"look first"}');
    const { status, json } = await app.ask('PUT', '/versions/a', { 'if-match': `"1-${sha256}"` }, 'y');
    expect({ status, detail: json.detail }).toEqual({ status: 423, detail: 'held: look first' });
  });

  it.each([
    ['a weak ETag', { 'if-match': `W/${OTHER}` }, 'headers/if-match'],
    ['If-Match: *', { 'if-match': '*' }, 'headers/if-match'],
    ['an ETag without quotes', { 'if-match': `1-${'0'.repeat(64)}` }, 'headers/if-match'],
    ['a list of ETags', { 'if-match': `${OTHER}, ${OTHER}` }, 'headers/if-match'],
    ['version 0', { 'if-match': `"0-${'0'.repeat(64)}"` }, 'headers/if-match'],
    ['a version beyond all numbers', { 'if-match': `"9999999999999999-${'0'.repeat(64)}"` }, 'headers/if-match'],
    ['a capital hash', { 'if-match': `"1-${'A'.repeat(64)}"` }, 'headers/if-match'],
    ['If-None-Match with an ETag', { 'if-none-match': OTHER }, 'headers/if-none-match'],
    ['both conditions', { 'if-match': OTHER, 'if-none-match': '*' }, 'headers/if-none-match'],
    ['a key of spaces', { ...FIRST, 'idempotency-key': 'a b' }, 'headers/idempotency-key'],
    ['a key of 256 characters', { ...FIRST, 'idempotency-key': 'k'.repeat(256) }, 'headers/idempotency-key'],
    ['a reason of 501 characters', { ...FIRST, 'x-reason': 'r'.repeat(501) }, 'headers/x-reason'],
    ['a reason that is not UTF-8', { ...FIRST, 'x-reason': 'caf\u00e9' }, 'headers/x-reason'],
    ['an actor with a tab', { ...FIRST, 'x-actor': 'a\tb' }, 'headers/x-actor'],
    ['an empty actor', { ...FIRST, 'x-actor': '' }, 'headers/x-actor'],
    ['a part of a content', { ...FIRST, 'content-range': 'bytes 0-1/5' }, 'headers/content-range'],
  ])('refuses %s', async (_case, headers, field) => {
    const { status, json } = await app.ask('PUT', '/versions/a', headers, 'x');
    expect(status).toBe(400);
    expect(faultsOf(json)).toEqual([field]);
    expect(app.versions.asked).toEqual([]);
    expect(app.versions.staged.size).toBe(0);
  });

  it('lists every fault at once', async () => {
    const headers = { 'if-match': '*', 'x-reason': '', 'x-actor': 'a'.repeat(501), 'idempotency-key': 'a b' };
    const { json } = await app.ask('PUT', '/versions/a', headers, 'x');
    expect(faultsOf(json).toSorted()).toEqual(['headers/idempotency-key', 'headers/if-match', 'headers/x-actor', 'headers/x-reason']);
  });

  it('does not take a content for less than the setting allows, nor an encoded one', async () => {
    expect(await app.ask('PUT', '/versions/a', FIRST, 'x'.repeat(100_001))).toMatchObject({ status: 413 });
    expect(await app.ask('PUT', '/versions/a', { ...FIRST, 'content-encoding': 'gzip' }, 'x')).toMatchObject({ status: 415 });
    expect(await app.ask('PUT', '/versions/a', { ...FIRST, 'x-actor': 'a'.repeat(20_000) }, 'x')).toMatchObject({ status: 431 });
    expect(app.versions.staged.size).toBe(0);
  });
});

describe('names and queries', () => {
  it.each(['.hidden', '-dash', 'a%2Fb', 'a%20b', 'a%00', '%C3%A9', 'n'.repeat(129), '%2e%2ex'])('refuses the name %s', async (name) => {
    for (const [method, path] of [
      ['PUT', ''],
      ['GET', ''],
      ['GET', '/1'],
      ['GET', '/events'],
      ['POST', '/verify'],
      ['PUT', '/1/pin'],
    ] as const) {
      const { status, json } = await app.ask(method, `/versions/${name}${path}`, FIRST);
      expect({ status, faults: faultsOf(json) }).toEqual({ status: 400, faults: ['params/name'] });
    }
  });

  it.each([
    '/versions?limit=-1',
    '/versions?limit=0',
    '/versions?limit=1001',
    '/versions?limit=x',
    '/versions?page=2',
    '/versions/a?before=0',
    '/versions/a?before=-5',
    '/versions/a?limit=-1',
    '/versions/a?at=yesterday',
    '/versions/a?at=2026-02-30',
    '/versions/a?at=2026-01-01&before=3',
    '/versions/a?since=1',
    '/versions/a/diff?from=1',
    '/versions/a/diff?from=1&to=-2',
    '/versions/a/diff?from=1&to=2&x=1',
    '/versions/a/0',
    '/versions/a/-1',
    '/versions/a/1.5',
    '/versions/a/one',
  ])('refuses %s', async (path) => {
    app.versions.add('a', 'x');
    const { status, json } = await app.ask('GET', path);
    expect({ status, faults: faultsOf(json).length }).toEqual({ status: 400, faults: 1 });
  });

  it.each(['/versions/a?confirmWithin=0', '/versions/a?confirmWithin=86401', '/versions/a?confirm=1'])('refuses PUT %s', async (path) => {
    expect((await app.ask('PUT', path, FIRST, 'x')).status).toBe(400);
  });
});

describe('reading', () => {
  it('goes through all artifacts page by page', async () => {
    for (const name of ['c', 'a', 'b']) app.versions.add(name, name);
    const first = (await app.ask('GET', '/versions?limit=2')).json as { artifacts: { name: string }[]; next: string };
    expect([first.artifacts.map(({ name }) => name), first.next]).toEqual([['a', 'b'], 'b']);
    const rest = (await app.ask('GET', `/versions?limit=2&after=${first.next}`)).json;
    expect(rest).toMatchObject({ artifacts: [{ name: 'c', pins: [], oldest: 1, head: { version: 1, bytes: 1 } }], next: null });
    expect((await app.ask('GET', '/versions?limit=3')).json.next).toBeNull();
  });

  it('goes through all versions, newest first, and finds the one of a time', async () => {
    for (let i = 1; i <= 5; i++) app.versions.add('a', `content ${i}`, { reason: `reason ${i}` });
    app.versions.set('a', { confirm: { before: '2026-01-01T01:00:00.000Z', revertsTo: 4 } });
    const first = (await app.ask('GET', '/versions/a?limit=3')).json;
    expect(first).toMatchObject({ name: 'a', head: { version: 5 }, confirm: { revertsTo: 4 }, next: 3 });
    expect(first.versions).toMatchObject([{ version: 5, reason: 'reason 5' }, { version: 4 }, { version: 3 }]);
    const rest = (await app.ask('GET', '/versions/a?limit=3&before=3')).json;
    expect(rest).toMatchObject({ versions: [{ version: 2 }, { version: 1 }], next: null });
    expect((await app.ask('GET', '/versions/a?at=2026-01-01T00:02:30Z')).json).toMatchObject({ version: 2, etag: expect.any(String) });
    expect((await app.ask('GET', '/versions/a?at=2025-01-01')).status).toBe(404);
    expect((await app.ask('GET', '/versions/b')).status).toBe(404);
  });

  it('answers a diff and a check whole', async () => {
    app.versions.add('a', '1');
    app.versions.add('a', '2');
    const { json } = await app.ask('GET', '/versions/a/diff?from=1&to=2');
    expect(json).toMatchObject({ from: { version: 1 }, to: { version: 2 }, format: 'json', isCapped: false });
    expect(json.changes).toEqual([{ op: 'replace', path: '/a', old: { deep: [1, null, 'x'] }, new: false }]);
    app.versions.found.push({ place: 'a/objects/x', what: 'other bytes' });
    expect((await app.ask('POST', '/versions/a/verify')).json).toEqual({
      name: 'a',
      versions: 2,
      checked: 2,
      damages: [{ place: 'a/objects/x', what: 'other bytes' }],
    });
    expect((await app.ask('GET', '/readyz')).json).toMatchObject({ status: 'degraded', reasons: ['versions: a/objects/x: other bytes'] });
    expect((await app.ask('GET', '/metrics')).text).toContain('proofs_versions_damaged 1\n');
  });

  it('needs the token where one is set', async () => {
    await using guarded = await startVersionsApp({ token: 'a-token-of-length' });
    for (const [method, path] of [
      ['GET', '/versions'],
      ['PUT', '/versions/a'],
      ['GET', '/versions/a/head'],
      ['GET', '/versions/a/events'],
      ['POST', '/versions/a/rollback'],
    ] as const)
      expect((await guarded.ask(method, path)).status).toBe(401);
    const headers = { ...FIRST, authorization: 'Bearer a-token-of-length' };
    expect((await guarded.ask('PUT', '/versions/a', headers, 'x')).status).toBe(201);
  });
});
