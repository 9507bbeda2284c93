import { request as httpRequest } from 'node:http';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { leafTypeName } from '../../src/kernel/leaf.ts';
import { startApp, type RunningApp } from '../support/running-app.ts';
import { tempDir } from '../support/temp-dir.ts';

const FILE = `
trustedProxies: [127.0.0.0/8, 10.0.0.0/8]
allow: [198.51.100.0/24]
limits:
  - { name: ip, key: ip, limit: 3, window: 60s, overrides: { 203.0.113.0/24: 0 } }
  - { name: tenant, key: tenant, limit: 5, window: 1m, overrides: { acme: 100 } }
  - { name: trial, key: ip, limit: 1, window: 1m, dryRun: true }
`;

async function withLimits(text = FILE): Promise<RunningApp & { readonly file: string }> {
  const dir = tempDir();
  const file = join(dir.path, 'limits.yaml');
  writeFileSync(file, text);
  const app = await startApp({ env: { PROOFS_LIMITS_FILE: file } });
  return {
    ...app,
    file,
    [Symbol.asyncDispose]: async () => {
      await app[Symbol.asyncDispose]();
      dir[Symbol.dispose]();
    },
  };
}

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

async function ask(app: RunningApp, headers: Record<string, string>, path = 'x', init: RequestInit = {}): Promise<Answer> {
  const response = await fetch(`${app.url}/ratelimit/check/${path}`, { ...init, headers });
  return { status: response.status, headers: response.headers, text: await response.text() };
}

const from = (ip: string, more: Record<string, string> = {}): Record<string, string> => ({ 'x-forwarded-for': ip, ...more });

describe('the check of a reverse proxy', () => {
  test('admits up to the limit, then says which one, until when, and in the words of the draft', async () => {
    await using app = await withLimits();
    const first = await ask(app, from('1.2.3.4'));
    expect([first.status, first.text]).toEqual([200, '']);
    expect(first.headers.get('ratelimit-policy')).toBe('"ip";q=3;w=60, "tenant";q=5;w=60');
    expect(first.headers.get('ratelimit')).toBe('"ip";r=2;t=60, "tenant";r=4;t=60');
    await ask(app, from('1.2.3.4'));
    await ask(app, from('1.2.3.4'));
    const denied = await ask(app, from('1.2.3.4'));
    expect(denied.status).toBe(429);
    expect(denied.headers.get('content-type')).toMatch(/^application\/problem\+json/);
    expect(Number(denied.headers.get('retry-after'))).toBeGreaterThan(55);
    expect(JSON.parse(denied.text)).toMatchObject({
      type: 'https://iana.org/assignments/http-problem-types#quota-exceeded',
      status: 429,
      'violated-policies': ['ip'],
    });
    // The refused one was charged to nobody.
    expect((await ask(app, from('1.2.3.5'))).headers.get('ratelimit')).toBe('"ip";r=2;t=60, "tenant";r=1;t=60');
  });

  test('takes identity from trusted hops alone, whatever path, query, method and body say', async () => {
    await using app = await withLimits();
    const remaining = async (...args: Parameters<typeof ask> extends [unknown, ...infer Rest] ? Rest : never): Promise<string | null> =>
      (await ask(app, ...args)).headers.get('x-ratelimit-remaining');
    expect(await remaining(from('6.6.6.6, 1.2.3.4'), 'x?ip=9.9.9.9&cost=3&tenant=acme&limit=tenant')).toBe('2');
    expect(await remaining(from('7.7.7.7, 1.2.3.4, 10.9.9.9'), 'batch/limits', { method: 'PUT', body: '{"ip":"9.9.9.9","cost":3}' })).toBe(
      '1',
    );
    expect(await remaining(from('::ffff:1.2.3.4'), 'x', { method: 'POST', body: 'no json', headers: {} })).toBe('0');
    expect((await ask(app, from('1.2.3.4'))).status).toBe(429);
    expect(await remaining(from('9.9.9.9', { 'x-tenant-id': 'acme' }))).toBe('2');
    expect((await ask(app, from('9.9.9.9', { 'x-tenant-id': 'acme' }))).headers.get('ratelimit')).toContain('"tenant";r=98');
  });

  test('is asked with any method that a client may use', async () => {
    await using app = await withLimits();
    for (const [i, method] of ['PROPFIND', 'PURGE', 'REPORT', 'TRACE', 'OPTIONS', 'DELETE'].entries()) {
      const status = await new Promise<number | undefined>((resolve, reject) => {
        const sent = httpRequest(
          `${app.url}/ratelimit/check/a`,
          { method, headers: from(`192.0.2.${i}`, { 'x-tenant-id': 'acme' }) },
          (answer) => {
            answer.resume();
            resolve(answer.statusCode);
          },
        );
        sent.once('error', reject).end();
      });
      expect([method, status]).toEqual([method, 200]);
    }
    expect((await ask(app, from('192.0.2.99'), 'x', { method: 'HEAD' })).status).toBe(200);
  });

  test('speaks nginx when asked: every refusal is 403, and says what it is', async () => {
    await using app = await withLimits();
    const nginx = { 'x-ratelimit-mode': 'nginx' };
    for (let i = 0; i < 3; i++) expect((await ask(app, from('1.2.3.4', nginx))).status).toBe(200);
    const denied = await ask(app, from('1.2.3.4', nginx));
    expect([denied.status, denied.headers.get('x-ratelimit-status')]).toEqual([403, '429']);
    expect(denied.headers.get('retry-after')).not.toBeNull();
    const unreadable = await ask(app, from('rubbish', nginx));
    expect([unreadable.status, unreadable.headers.get('x-ratelimit-status')]).toEqual([403, '400']);
  });

  test.each([
    [{}, 'sent no X-Forwarded-For'],
    [from('unknown'), '"unknown" is no IP address'],
    [from('1.2.3.4', { 'x-ratelimit-cost': '-1' }), 'X-RateLimit-Cost "-1"'],
    [from('1.2.3.4', { 'x-ratelimit-cost': '1e9' }), 'X-RateLimit-Cost "1e9"'],
    [from('1.2.3.4', { 'x-ratelimit-request-id': 'x'.repeat(300) }), 'X-RateLimit-Request-Id'],
    [from('1.2.3.4', { 'x-tenant-id': 'x'.repeat(5000) }), 'more than 4096'],
  ])('refuses %j, and charges nobody', async (headers, reason) => {
    await using app = await withLimits();
    const answer = await ask(app, headers);
    expect(answer.status).toBe(400);
    expect((JSON.parse(answer.text) as { detail: string }).detail).toContain(reason);
    expect((await ask(app, from('1.2.3.4'))).headers.get('x-ratelimit-remaining')).toBe('2');
  });

  test('charges what a request costs, bans, exempts, and asks nobody for a dry run', async () => {
    await using app = await withLimits();
    expect((await ask(app, from('1.2.3.4', { 'x-ratelimit-cost': '2' }))).headers.get('x-ratelimit-remaining')).toBe('1');
    expect((await ask(app, from('1.2.3.4', { 'x-ratelimit-cost': '2' }))).status).toBe(429);
    const banned = await ask(app, from('203.0.113.7'));
    expect([banned.status, banned.headers.get('retry-after')]).toEqual([429, null]);
    for (let i = 0; i < 10; i++) expect((await ask(app, from('198.51.100.9'))).status).toBe(200);
  });

  test('a request that is asked about twice is charged once; ten thousand with one id are not admitted', async () => {
    await using app = await withLimits('trustedProxies: [127.0.0.0/8]\nlimits: [{name: ip, key: ip, limit: 50, window: 60s}]');
    const again = from('1.2.3.4', { 'x-ratelimit-request-id': 'abc' });
    expect((await ask(app, again)).headers.get('x-ratelimit-remaining')).toBe('49');
    expect((await ask(app, again)).headers.get('x-ratelimit-remaining')).toBe('49');
    let admitted = 0;
    for (let i = 0; i < 100; i++) {
      const answers = await Promise.all(Array.from({ length: 100 }, () => ask(app, again)));
      admitted += answers.filter(({ status }) => status === 200).length;
    }
    // Fifty charges, and four replays at most of an id in five seconds.
    expect(admitted).toBeLessThanOrEqual(50 + 4);
  });

  test('of a stranger nothing counts but his address', async () => {
    await using app = await withLimits('trustedProxies: [10.0.0.0/8]\nlimits: [{name: ip, key: ip, limit: 2, window: 60s}]');
    expect((await ask(app, from('1.1.1.1'))).headers.get('x-ratelimit-remaining')).toBe('1');
    expect((await ask(app, from('2.2.2.2', { 'x-ratelimit-cost': 'x' }))).headers.get('x-ratelimit-remaining')).toBe('0');
    expect((await ask(app, from('3.3.3.3', { 'x-ratelimit-request-id': 'a' }))).status).toBe(429);
  });
});

describe('the check of an app', () => {
  test('by query or body, with the state of every limit', async () => {
    await using app = await withLimits();
    const byQuery = await app.getJson('/ratelimit/check?ip=1.2.3.4&tenant=acme&cost=2');
    expect(byQuery.json).toMatchObject({
      outcome: 'allowed',
      limits: [
        { name: 'ip', remaining: 1 },
        { name: 'tenant', remaining: 98 },
        { name: 'trial', isAdmitted: false },
      ],
    });
    const init = { method: 'POST', headers: { 'content-type': 'application/json' } };
    const byBody = await app.getJson('/ratelimit/check', { ...init, body: '{"ip":"1.2.3.4","tenant":"acme","limit":"tenant"}' });
    expect(byBody.json).toMatchObject({ outcome: 'allowed', limits: [{ name: 'tenant', remaining: 97 }] });
    expect((await app.getJson('/ratelimit/check?ip=1.2.3.4&cost=2')).status).toBe(429);
    const batch = await app.getJson('/ratelimit/check/batch', { ...init, body: '[{"ip":"1.2.3.4"},{"ip":"1.2.3.4"},{"ip":"4.3.2.1"}]' });
    expect((batch.json['results'] as { outcome: string }[]).map(({ outcome }) => outcome)).toEqual(['allowed', 'denied', 'allowed']);
  });

  test('lists everything that is wrong, and charges nobody', async () => {
    await using app = await withLimits();
    const init = { method: 'POST', headers: { 'content-type': 'application/json' } };
    const wrong = await app.getJson('/ratelimit/check/batch', {
      ...init,
      body: '[{"ip":"1.2.3.4"},{"ip":"x","cost":-1},{"limit":"nope"}]',
    });
    expect(wrong.status).toBe(400);
    expect(wrong.json['faults']).toEqual([
      { field: '[1].cost', reason: 'is no whole number from 1 to 1000000' },
      { field: '[1].ip', reason: '"x" is no IP address' },
      { field: '[2].limit', reason: '"nope" is none of ip, tenant, trial' },
    ]);
    expect((await app.getJson('/ratelimit/explain?ip=1.2.3.4')).json).toMatchObject({
      outcome: 'allowed',
      limits: [{ remaining: 3 }, { remaining: 5 }, {}],
    });
    expect((await app.getJson('/ratelimit/check', { ...init, body: '{' })).status).toBe(400);
    expect((await app.getJson('/ratelimit/check')).status).toBe(400);
  });

  test('explains without a charge, and shows what is in force', async () => {
    await using app = await withLimits();
    for (let i = 0; i < 5; i++) await app.getJson('/ratelimit/explain?ip=1.2.3.4');
    expect((await app.getJson('/ratelimit/explain?ip=1.2.3.4&cost=4')).json).toMatchObject({
      outcome: 'denied',
      limits: [{ name: 'ip', remaining: 3, isAdmitted: false, retryAfterSeconds: null }, { isAdmitted: true }, {}],
    });
    expect((await app.getJson('/ratelimit/limits')).json).toMatchObject({
      limits: [
        { name: 'ip', limit: 3, windowSeconds: 60, overrides: { '203.0.113.0/24': 0 } },
        { overrides: { acme: 100 } },
        { dryRun: true },
      ],
      trustedProxies: ['127.0.0.0/8', '10.0.0.0/8'],
      ipv6Prefix: 64,
    });
  });
});

describe('the limits file', () => {
  test('is read again when it changes; what is in the windows stays, and a wrong file changes nothing', async () => {
    await using app = await withLimits('trustedProxies: [127.0.0.0/8]\nlimits: [{name: ip, key: ip, limit: 2, window: 60s}]');
    await ask(app, from('1.2.3.4'));
    await ask(app, from('1.2.3.4'));
    expect((await ask(app, from('1.2.3.4'))).status).toBe(429);
    writeFileSync(app.file, 'limits: [{name: ip, key: ip, limit: -5}]');
    await expect.poll(() => app.logLines.some((line) => line.includes('the limits file is wrong')), { timeout: 10_000 }).toBe(true);
    expect((await ask(app, from('1.2.3.4'))).status).toBe(429);
    writeFileSync(app.file, 'trustedProxies: [127.0.0.0/8]\nlimits: [{name: ip, key: ip, limit: 3, window: 60s}]');
    await expect
      .poll(async () => (await app.getJson('/ratelimit/limits')).json, { timeout: 10_000 })
      .toMatchObject({ limits: [{ limit: 3 }] });
    expect((await ask(app, from('1.2.3.4'))).status).toBe(200);
    expect((await ask(app, from('1.2.3.4'))).status).toBe(429);
  });

  test('that cannot be used keeps the sidecar from starting, with every fault', async () => {
    await expect(withLimits('limits: [{name: ip, key: moon, limit: 1, window: 1s}, {name: b}]')).rejects.toThrow(
      /limits\[0\]\.key[^]*limits\[1\]/,
    );
  });
});

test('denials and changes of the limits are entries of the ledger, and metrics', async () => {
  await using app = await withLimits();
  for (let i = 0; i < 9; i++) await ask(app, from('1.2.3.4', { 'x-tenant-id': 'acme' }));
  const metrics = await (await fetch(`${app.url}/metrics`)).text();
  expect(metrics).toContain('proofs_ratelimit_requests_total{outcome="denied"} 6');
  expect(metrics).toContain('proofs_ratelimit_decisions_total{limit="ip",outcome="denied"} 6');
  expect(metrics).toContain('proofs_ratelimit_near_limit_total{limit="ip"} 1');
  expect(metrics).toContain('proofs_ratelimit_keys 3');
  const limits = app.context.limits;
  await limits?.close();
  const records: [string | undefined, unknown][] = [];
  for await (const { type, payload } of app.context.ledger.acknowledged.leaves(0, 100)) {
    const name = leafTypeName(type);
    if (name === 'config' || name === 'limiterAggregate') records.push([name, JSON.parse(Buffer.from(payload).toString('utf8'))]);
  }
  expect(records).toEqual([
    ['config', { limits: limits?.limiter.limits.generation }],
    ['limiterAggregate', { denials: { ip: { denied: 6, keys: { '1.2.3.4': 6 }, other: 0 } } }],
  ]);
});

test('where a token is wanted the checks of proxies want it too', async () => {
  using dir = tempDir();
  const [file, tokens] = [join(dir.path, 'limits.yaml'), join(dir.path, 'tokens')];
  writeFileSync(file, FILE);
  writeFileSync(tokens, 'a-token-of-enough-characters\n', { mode: 0o600 });
  await using app = await startApp({ env: { PROOFS_LIMITS_FILE: file, PROOFS_TOKENS_FILE: tokens } });
  expect((await ask(app, from('1.2.3.4'))).status).toBe(401);
  const allowed = await ask(app, from('1.2.3.4', { authorization: 'Bearer a-token-of-enough-characters' }));
  expect([allowed.status, allowed.headers.get('ratelimit')]).toEqual([200, expect.stringContaining('"ip";r=2')]);
});
