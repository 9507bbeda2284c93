import { createServer, request, type IncomingHttpHeaders } from 'node:http';
import { createServer as createTcpServer, type AddressInfo } from 'node:net';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { DEPLOYED, startProxy, type Proxy, type ProxyName } from '../support/proxies.ts';
import { exchange, statusesOf } from '../support/raw-http.ts';
import { freePort } from '../support/redis-server.ts';
import { startSidecar, type Sidecar } from '../support/sidecar.ts';
import { tempDir } from '../support/temp-dir.ts';

const LIMIT = 3;
/** Clients are other addresses of the loopback network: only the proxy itself is trusted. */
const FILE = `
trustedProxies: [127.0.0.1]
limits:
  - { name: ip, key: ip, limit: ${LIMIT}, window: 60s }
  - { name: tenant, key: tenant, limit: 1000, window: 60s, overrides: { acme: 1 } }
`;

const dir = tempDir();
const open: AsyncDisposable[] = [];
afterAll(async () => {
  for (const each of open.toReversed()) await each[Symbol.asyncDispose]();
  dir[Symbol.dispose]();
});

interface App extends AsyncDisposable {
  readonly host: string;
  /** Requests that reached it. */
  count(): number;
}

/** Says what it was asked; refuses /forbidden itself. */
async function startBackend(): Promise<App> {
  let count = 0;
  const server = createServer((incoming, answer) => {
    count++;
    let body = '';
    incoming.setEncoding('utf8').on('data', (text: string) => (body += text));
    incoming.on('end', () => {
      if (incoming.url === '/forbidden') answer.writeHead(403, { 'x-app': 'yes', 'content-type': 'text/plain' }).end('no, says the app');
      else answer.writeHead(200).end(JSON.stringify({ method: incoming.method, url: incoming.url, body }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const dispose = async (): Promise<void> => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return { host: `127.0.0.1:${(server.address() as AddressInfo).port}`, count: () => count, [Symbol.asyncDispose]: dispose };
}

async function startLimiter(name: string, file: string, env: Readonly<Record<string, string>> = {}): Promise<Sidecar> {
  const dataDir = join(dir.path, name);
  mkdirSync(dataDir);
  writeFileSync(join(dataDir, 'limits.yaml'), file);
  return startSidecar({ dataDir, env: { PROOFS_LIMITS_FILE: join(dataDir, 'limits.yaml'), ...env } });
}

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

interface Ask {
  readonly from: string;
  readonly path?: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

function ask(proxy: Proxy, { from, path = '/', method = 'GET', headers = {}, body }: Ask): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request(`${proxy.url}${path}`, { method, headers, localAddress: from }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, text }));
    });
    sent.once('error', reject);
    sent.end(body);
  });
}

let lastHost = 1;
/** An address that no test asked from before. */
const someone = (): string => `127.0.1.${++lastHost}`;

let sidecar: Sidecar;
let app: App;
const hostOf = ({ url }: { readonly url: string }): string => new URL(url).host;

beforeAll(async () => {
  app = await startBackend();
  open.push(app);
  sidecar = await startLimiter('limiter', FILE);
  open.push(sidecar);
});

describe.each<ProxyName>(['nginx', 'caddy', 'haproxy'])('%s', (name) => {
  let proxy: Proxy;
  beforeAll(async () => {
    proxy = await startProxy(name, { sidecar: hostOf(sidecar), app: app.host, whenDown: 'open' });
    open.push(proxy);
  });

  test('lets requests through up to the limit, bodies whole, and tells how the limit stands', async () => {
    const from = someone();
    for (let left = LIMIT - 1; left >= 0; left--) {
      const { status, headers, text } = await ask(proxy, { from, path: '/a?b=1', method: 'POST', body: `body ${left}` });
      expect([status, headers['ratelimit'], headers['ratelimit-policy']]).toEqual([
        200,
        expect.stringMatching(new RegExp(String.raw`^"ip";r=${left};t=\d+, "tenant";r=\d+;t=\d+$`)),
        `"ip";q=${LIMIT};w=60, "tenant";q=1000;w=60`,
      ]);
      expect(JSON.parse(text)).toEqual({ method: 'POST', url: '/a?b=1', body: `body ${left}` });
    }
  });

  test('refuses beyond it with 429, Retry-After and a problem, and the app is not asked', async () => {
    const from = someone();
    for (let i = 0; i < LIMIT; i++) await ask(proxy, { from });
    const asked = app.count();
    const denied = await ask(proxy, { from, method: 'POST', body: 'x' });
    expect(denied.status).toBe(429);
    expect(denied.headers['content-type']).toMatch(/^application\/problem\+json/);
    expect(Number(denied.headers['retry-after'])).toBeGreaterThan(50);
    expect(denied.headers['ratelimit']).toMatch(/^"ip";r=0;t=\d+/);
    expect(denied.headers['ratelimit-policy']).toMatch(/^"ip";q=3;w=60/);
    expect(JSON.parse(denied.text)).toMatchObject({
      type: 'https://iana.org/assignments/http-problem-types#quota-exceeded',
      status: 429,
    });
    expect(app.count()).toBe(asked);
    expect((await ask(proxy, { from: someone() })).status).toBe(200);
  });

  test('leaves the app’s own 403 as it is', async () => {
    const { status, headers, text } = await ask(proxy, { from: someone(), path: '/forbidden' });
    expect([status, headers['x-app'], text]).toEqual([403, 'yes', 'no, says the app']);
  });

  test('believes no header of the client', async () => {
    const from = someone();
    const statuses: number[] = [];
    for (let i = 0; i <= LIMIT; i++) {
      const headers = {
        'X-Forwarded-For': `9.9.9.${i}`,
        'X-Real-IP': `9.9.8.${i}`,
        Forwarded: `for=9.9.7.${i}`,
        'X-Tenant-Id': 'acme',
        'X-RateLimit-Cost': '3',
        'X-RateLimit-Request-Id': 'always the same',
        'X-RateLimit-Mode': 'nginx',
        Connection: 'close, X-Forwarded-For, X-RateLimit-Request-Id',
      };
      statuses.push((await ask(proxy, { from, headers, path: `/ratelimit/check/x?ip=9.9.6.${i}&tenant=t${i}` })).status);
    }
    expect(statuses).toEqual([...Array<number>(LIMIT).fill(200), 429]);
  });

  test('keeps the bodies of requests on one connection apart', async () => {
    // Whatever of a body reached the sidecar would be read as the next check there.
    const post = (body: string): string =>
      `POST /one HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}POST /two HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n`;
    // From 127.0.0.1, whom the limits file trusts: every one of these is refused as no client's, or decided, but none is lost.
    const text = await exchange(
      proxy.port,
      `${post('GET /ratelimit/check/x HTTP/1.1\r\n\r\n')}GET /three HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`,
    );
    expect(statusesOf(text)).toHaveLength(3);
    expect(statusesOf(text).filter((status) => status >= 500)).toEqual([]);
  });

  test('without a sidecar lets everything through, or nothing, as it was told', async () => {
    const nobody = `127.0.0.1:${await freePort()}`;
    await using letting = await startProxy(name, { sidecar: nobody, app: app.host, whenDown: 'open' });
    const through = await ask(letting, { from: someone(), method: 'POST', body: 'whole', path: '/x' });
    expect([through.status, through.text]).toEqual([200, JSON.stringify({ method: 'POST', url: '/x', body: 'whole' })]);
    expect((await ask(letting, { from: someone(), path: '/forbidden' })).status).toBe(403);

    await using refusing = await startProxy(name, { sidecar: nobody, app: app.host, whenDown: 'closed' });
    const asked = app.count();
    const refused = await ask(refusing, { from: someone() });
    expect(refused.status).toBe(503);
    expect(JSON.parse(refused.text)).toMatchObject({ type: expect.stringContaining('temporary-reduced-capacity') });
    expect(app.count()).toBe(asked);
  });

  test('waits for a silent sidecar a few seconds at most', async () => {
    const silent = createTcpServer((socket) => void socket.on('error', () => undefined));
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    try {
      const host = `127.0.0.1:${(silent.address() as AddressInfo).port}`;
      await using letting = await startProxy(name, { sidecar: host, app: app.host, whenDown: 'open' });
      const startMs = performance.now();
      expect((await ask(letting, { from: someone() })).status).toBe(200);
      expect(performance.now() - startMs).toBeLessThan(10_000);
    } finally {
      silent.close();
    }
  });

  test('passes on that less is admitted for the time being as 503, whatever it does without a sidecar', async () => {
    await using degraded = await startLimiter(
      `degraded-${name}`,
      'trustedProxies: [127.0.0.1]\nlimits: [{ name: ip, key: ip, limit: 5, window: 60s, onStoreFailure: closed }]\n',
      { PROOFS_LIMITS_STORE: 'redis', PROOFS_REDIS_URL: `redis://127.0.0.1:${await freePort()}` },
    );
    await using asking = await startProxy(name, { sidecar: hostOf(degraded), app: app.host, whenDown: 'open' });
    const refused = await ask(asking, { from: someone() });
    expect(refused.status).toBe(503);
    expect(refused.headers['content-type']).toMatch(/^application\/problem\+json/);
    expect(JSON.parse(refused.text)).toMatchObject({ type: expect.stringContaining('temporary-reduced-capacity'), status: 503 });
  });
});

describe('nginx', () => {
  const start = (edits: readonly (readonly [string, string])[]): Promise<Proxy> =>
    startProxy('nginx', { sidecar: hostOf(sidecar), app: app.host, whenDown: 'open', edits });

  test('asks twice about a request that goes through try_files, which is charged once', async () => {
    await using proxy = await start([
      ['        location / {', '        location / { try_files /nothing-here @app; }\n        location @app {'],
    ]);
    const from = someone();
    const statuses: number[] = [];
    for (let i = 0; i <= LIMIT; i++) statuses.push((await ask(proxy, { from, path: '/x' })).status);
    expect(statuses).toEqual([...Array<number>(LIMIT).fill(200), 429]);
  });

  test('keeps its own 403 a 403', async () => {
    await using proxy = await start([['        location / {', '        location /private { deny all; }\n        location / {']]);
    expect((await ask(proxy, { from: someone(), path: '/private' })).status).toBe(403);
  });

  test('names the tenant and the cost that the configuration says', async () => {
    await using proxy = await start([
      ['default "";', 'default acme;'],
      ['default 1;', 'default 1;\n    ~^/dear 2;\n    ~^/wrong -1;'],
    ]);
    const from = someone();
    const dear = await ask(proxy, { from, path: '/dear' });
    // The tenant acme admits 1: a cost of 2 is more than it ever does, so no wait is named.
    expect([dear.status, dear.headers['ratelimit'], dear.headers['retry-after']]).toEqual([
      429,
      expect.stringContaining('"tenant";r=1'),
      undefined,
    ]);
    expect((await ask(proxy, { from, path: '/wrong' })).status).toBe(400);
    expect((await ask(proxy, { from })).status).toBe(200);
    expect((await ask(proxy, { from })).status).toBe(429);
  });
});

describe('files of proxies that are not run here', () => {
  const read = (path: string): Record<string, unknown> => parse(readFileSync(join(DEPLOYED, path), 'utf8')) as Record<string, unknown>;

  test('Traefik asks below /ratelimit/check/ and sends none of the headers that count', () => {
    expect(read('traefik/ratelimit.yml')).toMatchObject({
      http: {
        middlewares: {
          ratelimit: {
            forwardAuth: {
              address: expect.stringMatching(/:8080\/ratelimit\/check\/\w+$/),
              trustForwardHeader: false,
              authRequestHeaders: [expect.not.stringMatching(/forwarded|tenant|ratelimit/i)],
            },
          },
        },
      },
    });
  });

  test('Envoy appends the path of the client behind a name of its own', () => {
    const text = JSON.stringify(read('envoy/envoy.yaml'));
    expect(text).toContain('"path_prefix":"/ratelimit/check/envoy"');
    expect(text).toContain('"allowed_headers":{"patterns":[{"exact":"x-forwarded-for","ignore_case":true}]}');
  });
});
