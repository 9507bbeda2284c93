import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startVersionsApp, type Answer, type VersionsApp } from '../support/versions-app.ts';

const JSON_TYPE = { 'content-type': 'application/json' };

let app: VersionsApp;
let etag = '';
beforeEach(async () => {
  app = await startVersionsApp();
  app.versions.add('a', 'old');
  etag = `"2-${app.versions.add('a', 'new').sha256}"`;
});
afterEach(() => app[Symbol.asyncDispose]());

function rollBack(body: object | string, headers: Record<string, string> = { 'if-match': etag }): Promise<Answer> {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return app.ask('POST', '/versions/a/rollback', { ...JSON_TYPE, ...headers }, text);
}

function faultsOf({ json }: Answer): string[] {
  return ((json.faults ?? []) as { field: string }[]).map(({ field }) => field);
}

async function changes(cause: string, outcome: string): Promise<number> {
  const { text } = await app.ask('GET', '/metrics');
  return Number(new RegExp(`^proofs_versions_changes_total\\{cause="${cause}",outcome="${outcome}"\\} (\\d+)$`, 'm').exec(text)?.[1]);
}

describe('POST /versions/{name}/rollback', () => {
  it('puts an earlier content back as a new version', async () => {
    const { status, headers, json } = await rollBack({ to: 1, reason: 'new fails', actor: 'ann', hold: true, confirmWithinS: 30 });
    expect(status).toBe(201);
    expect(json).toMatchObject({
      from: { version: 2 },
      to: { version: 1, bytes: 3 },
      steps: 1,
      record: { version: 3, cause: 'rollback', restores: 1, actor: 'ann', reason: 'new fails' },
    });
    expect([headers.get('etag'), headers.get('location')]).toEqual([(json.record as { etag: string }).etag, '/versions/a/3']);
    expect(app.versions.asked.at(-1)).toMatchObject({ hold: true, confirmWithinS: 30, isDryRun: false });
    expect((await app.ask('GET', '/versions/a/head')).text).toBe('old');
    expect(await changes('rollback', 'done')).toBe(1);
  });

  it('goes back to a time', async () => {
    expect((await rollBack({ to: '2020-01-01', reason: 'r' })).status).toBe(404);
    const { json } = await rollBack({ to: '2026-01-01T00:01:30Z', reason: 'r' });
    expect(json).toMatchObject({ to: { version: 1 } });
  });

  it('only says what it would do in a dry run, for which no ETag is needed', async () => {
    const { status, headers, json } = await rollBack({ to: 1, reason: 'r', dryRun: true }, {});
    expect([status, headers.get('etag')]).toEqual([200, null]);
    expect(json).toEqual({ from: expect.objectContaining({ version: 2 }), to: expect.objectContaining({ version: 1 }), steps: 1 });
    expect((await app.versions.summary('a')).head.version).toBe(2);
    expect(await changes('rollback', 'done')).toBe(0);
  });

  it('takes the reason from X-Reason too, but not two of them', async () => {
    expect((await rollBack({ to: 1 }, { 'if-match': etag, 'x-reason': 'why' })).json).toMatchObject({ record: { reason: 'why' } });
    expect(faultsOf(await rollBack({ to: 1, reason: 'r' }, { 'x-reason': 'other' }))).toEqual(['headers/x-reason']);
  });

  it('needs the ETag of the head', async () => {
    const missing = await rollBack({ to: 1, reason: 'r' }, {});
    expect([missing.status, missing.headers.get('etag')]).toEqual([428, etag]);
    const stale = await rollBack({ to: 1, reason: 'r' }, { 'if-match': `"1-${'0'.repeat(64)}"` });
    expect([stale.status, stale.json.current]).toEqual([412, expect.objectContaining({ version: 2, etag })]);
    expect(await changes('rollback', 'refused')).toBe(2);
  });

  it.each([
    ['no JSON', '{"to":1', ['body']],
    ['bytes that are no UTF-8', '{"to":1,"reason":"\u00ff', ['body']],
    ['an array', '[]', ['body']],
    ['nothing', '', ['body']],
    ['an unknown field', '{"to":1,"reason":"r","too":2}', ['body']],
    ['version 0', '{"to":0,"reason":"r"}', ['body/to']],
    ['a negative version', '{"to":-1,"reason":"r"}', ['body/to']],
    ['half a version', '{"to":1.5,"reason":"r"}', ['body/to']],
    ['a version as text', '{"to":"1","reason":"r"}', ['body/to']],
    ['no reason', '{"to":1}', ['body/reason']],
    ['an empty reason', '{"to":1,"reason":"  "}', ['body/reason']],
    ['a reason of two lines', '{"to":1,"reason":"a\\nb"}', ['body/reason']],
    ['half a character', '{"to":1,"reason":"\\ud800"}', ['body/reason']],
    ['a long reason', JSON.stringify({ to: 1, reason: 'r'.repeat(501) }), ['body/reason']],
    ['a long window', '{"to":1,"reason":"r","confirmWithinS":86401}', ['body/confirmWithinS']],
    ['two faults', '{"to":1,"reason":7,"hold":"yes"}', ['body/reason', 'body/hold']],
  ])('refuses %s, with every fault', async (_case, body, fields) => {
    const answer = await rollBack(body);
    expect(answer.status).toBe(400);
    expect([...new Set(faultsOf(answer))].toSorted()).toEqual(expect.arrayContaining(fields.toSorted()));
    expect(app.versions.asked).toEqual([]);
  });

  it('refuses If-None-Match, other media types, queries and long bodies', async () => {
    expect(faultsOf(await rollBack({ to: 1, reason: 'r' }, { 'if-none-match': '*' }))).toEqual(['headers/if-none-match']);
    expect((await rollBack({ to: 1 }, { 'content-type': 'text/plain' })).status).toBe(415);
    expect((await rollBack({ to: 1, reason: 'r', actor: 'x'.repeat(20_000) })).status).toBe(413);
    expect((await app.ask('POST', '/versions/a/rollback?dryRun=1', JSON_TYPE, '{"to":1,"reason":"r"}')).status).toBe(400);
  });
});

describe('the small changes', () => {
  it.each([
    ['PUT', 'hold', { hold: 'a', isHeld: true, reason: 'r', actor: 'ann' }, 'hold'],
    ['DELETE', 'hold', { hold: 'a', isHeld: false }, 'release'],
    ['PUT', 'legal-hold', { legalHold: 'a', isHeld: true, reason: 'r', actor: 'ann' }, 'legal-hold'],
    ['DELETE', 'legal-hold', { legalHold: 'a', isHeld: false }, 'legal-release'],
    ['PUT', '1/pin', { pin: 'a', version: 1, isPinned: true, reason: 'r', actor: 'ann' }, 'pin'],
    ['DELETE', '1/pin', { pin: 'a', version: 1, isPinned: false }, 'unpin'],
  ] as const)('%s %s asks the store, and answers the artifact', async (method, path, asked, cause) => {
    const isPut = method === 'PUT';
    const answer = await app.ask(
      method,
      `/versions/a/${path}`,
      isPut ? JSON_TYPE : { 'x-reason': 'over', 'x-actor': 'bob' },
      isPut ? '{"reason":"r","actor":"ann"}' : undefined,
    );
    expect([answer.status, answer.json]).toEqual([200, expect.objectContaining({ name: 'a', head: expect.objectContaining({ etag }) })]);
    expect(app.versions.asked.at(-1)).toMatchObject({ ...asked, ...(isPut ? {} : { reason: 'over', actor: 'bob' }) });
    expect(await changes(cause, 'done')).toBe(1);
  });

  it('confirms what waits, and says 409 where nothing does', async () => {
    expect((await app.ask('POST', '/versions/a/confirm')).status).toBe(409);
    app.versions.set('a', { confirm: { before: '2026-01-01T01:00:00.000Z', revertsTo: 1 } });
    expect((await app.ask('POST', '/versions/a/confirm')).status).toBe(200);
    expect([await changes('confirm', 'refused'), await changes('confirm', 'done')]).toEqual([1, 1]);
  });

  it('holds nothing without a reason', async () => {
    for (const path of ['hold', 'legal-hold']) expect(faultsOf(await app.ask('PUT', `/versions/a/${path}`))).toEqual(['body/reason']);
    expect((await app.ask('PUT', '/versions/b/hold', { 'x-reason': 'r' })).status).toBe(404);
    expect((await app.ask('PUT', '/versions/a/0/pin')).status).toBe(400);
  });
});
