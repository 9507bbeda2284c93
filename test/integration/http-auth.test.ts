import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startApp, type RunningApp } from '../support/running-app.ts';
import { tempDir } from '../support/temp-dir.ts';

const TOKEN = 'integration-test-token_0123456789';
const CLOSED = [
  '/events',
  '/checkpoint',
  '/ledger/status',
  '/ledger/proof?seq=0',
  '/tile/0/000.p/1',
  '/bundles?window=1h',
  '/metrics',
  '/nowhere',
  '/docsx',
  '/healthz/',
  '/openapi.json/x',
];
const OPEN = ['/healthz', '/readyz', '/openapi.json', '/docs', '/docs/json'];

const dir = tempDir();
let app: RunningApp;
beforeAll(async () => {
  const path = join(dir.path, 'token');
  writeFileSync(path, `${TOKEN}\n`, { mode: 0o600 });
  app = await startApp({ env: { PROOFS_TOKENS_FILE: path } });
});
afterAll(async () => {
  await app[Symbol.asyncDispose]();
  dir[Symbol.dispose]();
});

const get = (path: string, authorization?: string): Promise<Response> =>
  fetch(app.url + path, { headers: authorization === undefined ? {} : { authorization } });

describe('with PROOFS_TOKENS_FILE', () => {
  it.each(CLOSED)('%s is 401 without the token and says how to send it', async (path) => {
    const response = await get(path);
    expect(response.status).toBe(401);
    expect(response.headers.get('www-authenticate')).toBe('Bearer');
    expect(await response.json()).toMatchObject({
      type: 'urn:post-incident-proofs:error:unauthorized',
      advice: expect.stringContaining('Authorization: Bearer'),
    });
  });

  it.each([
    ['another token', `Bearer ${TOKEN.replace('i', 'j')}`],
    ['its beginning', `Bearer ${TOKEN.slice(0, -1)}`],
    ['it and more', `Bearer ${TOKEN}0`],
    ['it with a line break', `Bearer ${TOKEN}%0a`],
    ['no scheme', TOKEN],
    ['another scheme', `Basic ${Buffer.from(`user:${TOKEN}`).toString('base64')}`],
    ['two tokens', `Bearer ${TOKEN} ${TOKEN}`],
    ['an empty token', 'Bearer '],
    ['other capitals', `Bearer ${TOKEN.toUpperCase()}`],
  ])('%s is 401', async (_case, authorization) => {
    expect((await get('/ledger/status', authorization)).status).toBe(401);
  });

  it('the token opens every route, whatever the capitals of the scheme', async () => {
    for (const scheme of ['Bearer', 'bearer', 'BEARER']) expect((await get('/ledger/status', `${scheme} ${TOKEN}`)).status).toBe(200);
    for (const path of ['/events', '/checkpoint', '/ledger/proof?seq=0', '/tile/0/000.p/1', '/metrics'])
      expect((await get(path, `Bearer ${TOKEN}`)).status, path).toBe(200);
    expect((await get('/nowhere', `Bearer ${TOKEN}`)).status).toBe(404);
  });

  it('an event is stored with the token only, and a refused body is not even read', async () => {
    const post = (authorization: string): Promise<Response> =>
      fetch(`${app.url}/events`, {
        method: 'POST',
        body: '{"message":"m"}',
        headers: { 'content-type': 'application/json', authorization },
      });
    expect((await post('Bearer wrong-token-of-some-length')).status).toBe(401);
    expect((await post(`Bearer ${TOKEN}`)).status).toBe(201);
    const { json } = await app.getJson('/events', { headers: { authorization: `Bearer ${TOKEN}` } });
    expect(json.events).toHaveLength(1);
  });

  it.each(OPEN)('%s needs none', async (path) => {
    expect((await get(path)).status).toBe(200);
  });

  it.each([
    '/docs/../events',
    '/docs/..%2fevents',
    '/docs/%2e%2e/events',
    '//events',
    '/healthz/../events',
    '/HEALTHZ/../events',
    '/docs/static/..%2f..%2fevents',
  ])('no spelling of an open path leads elsewhere: %s', async (path) => {
    // fetch would tidy the path up; this sends it as it stands.
    const { statusCode, body } = await app.context.app.inject({ method: 'GET', url: path });
    expect([401, 404, 403]).toContain(statusCode);
    expect(body).not.toContain('"events":');
  });

  it('neither the token nor wrong ones ever reach the log', async () => {
    const wrong = 'wrong-token-that-may-be-a-real-one-elsewhere';
    await get('/ledger/status', `Bearer ${wrong}`);
    await get(`/nowhere?access_token=${wrong}`, `Bearer ${wrong}`);
    const log = app.logLines.join('');
    expect(log).toContain('unauthorized');
    expect(log).not.toContain(TOKEN);
    expect(log).not.toContain(wrong);
  });
});

describe('without PROOFS_TOKENS_FILE', () => {
  it('on loopback nothing needs a token, and one that is sent does no harm', async () => {
    await using open = await startApp();
    expect((await fetch(`${open.url}/ledger/status`)).status).toBe(200);
    expect((await fetch(`${open.url}/ledger/status`, { headers: { authorization: 'Bearer whatever' } })).status).toBe(200);
  });
});
