import { appendFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isErrorCode } from '../../src/kernel/error-codes.ts';
import { METRICS, type MetricSpec } from '../../src/observe/metric-table.ts';
import { openRaw, postHead, readAll, statusesOf } from '../support/raw-http.ts';
import { startApp, type RunningApp } from '../support/running-app.ts';
import { storedByRequests } from '../support/stored-leaves.ts';
import { tempDir } from '../support/temp-dir.ts';

interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** Samples of the Prometheus text format; throws at a line that is none. */
function parseSamples(text: string): Sample[] {
  return text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const match = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/.exec(line);
      if (match === null) throw new Error(`not a sample: ${line}`);
      const labels = Object.fromEntries([...(match[2] ?? '').matchAll(/(\w+)="([^"]*)"/g)].map(([, key, value]) => [key, value]));
      return { name: match[1], labels, value: Number(match[3].replace('+Inf', 'Infinity')) };
    });
}

async function getSamples(app: RunningApp): Promise<Sample[]> {
  return parseSamples(await (await fetch(`${app.url}/metrics`)).text());
}

/** The metric of the table that a sample belongs to: histograms have three kinds of them. */
const baseName = (name: string): string => (name in METRICS ? name : name.replace(/_(bucket|sum|count)$/, ''));

let app: RunningApp;
beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app[Symbol.asyncDispose]());

describe('GET /metrics', () => {
  it('has every metric of the table with its kind and help, all named proofs_', async () => {
    await app.post('{"message":"m"}');
    const text = await (await fetch(`${app.url}/metrics`)).text();
    for (const [name, spec] of Object.entries<MetricSpec>(METRICS)) {
      expect(text).toContain(`# HELP ${name} ${spec.help}\n`);
      expect(text).toContain(`# TYPE ${name} ${spec.kind}\n`);
    }
    expect(parseSamples(text).filter(({ name }) => !name.startsWith('proofs_'))).toEqual([]);
  });

  it('has no labels but those of the table, and their values do not come from requests', async () => {
    const marker = 'xyzzy';
    await fetch(`${app.url}/${marker}?${marker}`);
    await fetch(`${app.url}/tile/0/${marker}`);
    await fetch(`${app.url}/events?tenant=${marker}&q=${marker}`);
    await fetch(`${app.url}/docs/static/${marker}`);
    await fetch(`${app.url}/events`, { method: 'DELETE' });
    await app.post(`{"message":"${marker}","tenant":"${marker}","source":"${marker}"}`);
    await app.post('{"message":5}');
    for (const { name, labels } of await getSamples(app)) {
      expect(JSON.stringify(labels)).not.toContain(marker);
      const spec: MetricSpec | undefined = (METRICS as Record<string, MetricSpec>)[baseName(name)];
      if (spec === undefined) continue;
      expect([...(spec.labels ?? []), 'le']).toEqual(expect.arrayContaining(Object.keys(labels)));
      if (labels.code !== undefined) expect(isErrorCode(labels.code)).toBe(true);
    }
  });

  it('counts events, refusals and leaves', async () => {
    await using fresh = await startApp();
    const valueOf = async (name: string, labels: Record<string, string> = {}): Promise<number> =>
      (await getSamples(fresh)).find(
        (sample) => sample.name === name && Object.entries(labels).every(([key, value]) => sample.labels[key] === value),
      )?.value ?? 0;
    await fresh.post('[{"message":"a"},{"message":"b"}]', { key: 'k' });
    await fresh.post('[{"message":"a"},{"message":"b"}]', { key: 'k' });
    await fresh.post('{"message":1}\n{"message":"c"}\n', { type: 'application/x-ndjson', query: '?onInvalid=skip' });
    await fresh.post('{"message":2}');
    expect(await valueOf('proofs_events_accepted_total')).toBe(3);
    expect(await valueOf('proofs_events_rejected_total')).toBe(2);
    expect(await valueOf('proofs_requests_refused_total', { code: 'invalid-events' })).toBe(1);
    expect(await valueOf('proofs_ledger_size')).toBe(fresh.context.ledger.head().size);
    expect(await valueOf('proofs_ledger_entries_total')).toBe(fresh.context.ledger.head().size - 1);
    expect(await valueOf('proofs_ledger_bytes_total')).toBeGreaterThan(300);
    expect(await valueOf('proofs_http_request_seconds_count', { route: '/events', status: '201' })).toBe(3);
    expect(await valueOf('proofs_ledger_queue_requests')).toBe(0);
  });
});

describe('GET /readyz', () => {
  it('is ready after a clean start', async () => {
    expect(await app.getJson('/readyz')).toMatchObject({ status: 200, json: { status: 'ready', reasons: [] } });
    expect(await app.getJson('/healthz')).toMatchObject({ status: 200, json: { status: 'alive' } });
  });

  it('says that a start had to repair a torn tail', async () => {
    using dir = tempDir();
    {
      await using before = await startApp({ dataDir: dir.path });
      await before.post('{"message":"whole"}');
    }
    const segments = join(dir.path, 'ledger', 'segments');
    appendFileSync(join(segments, readdirSync(segments)[0]), 'half a leaf');
    await using after = await startApp({ dataDir: dir.path });
    const { status, json } = await after.getJson('/readyz');
    expect({ status, ready: json.status }).toEqual({ status: 200, ready: 'degraded' });
    expect(json.reasons).toEqual([expect.stringMatching(/had to repair 1 thing/)]);
    const samples = await getSamples(after);
    expect(samples.find(({ name }) => name === 'proofs_ledger_recoveries')?.value).toBe(1);
  });
});

describe('a stop', () => {
  it('answers what has begun, refuses what comes later, and says so to probes', async () => {
    using dir = tempDir();
    await using stopping = await startApp({ dataDir: dir.path });
    const line = '{"message":"begun before the stop"}\n';
    const begun = await openRaw(stopping.port, `${postHead(`Content-Length: ${line.length}`)}${line.slice(0, 10)}`);
    const probing = await openRaw(stopping.port, 'GET /readyz HTTP/1.1\r\n');
    const late = await openRaw(stopping.port, 'POST /events HTTP/1.1\r\n');
    await expect.poll(async () => (await stopping.getJson('/healthz')).status).toBe(200);
    const stopped = stopping.context.stop();
    probing.write('Host: x\r\n\r\n');
    const probe = await readAll(probing);
    expect(statusesOf(probe)).toEqual([503]);
    expect(probe).toContain('{"status":"unavailable","reasons":["shutting down"]}');
    late.write(`Host: x\r\nContent-Type: application/x-ndjson\r\nContent-Length: ${line.length}\r\n\r\n${line}`);
    const refusal = await readAll(late);
    expect(statusesOf(refusal)).toEqual([503]);
    expect(refusal).toMatch(/retry-after: \d/);
    expect(refusal).toContain('urn:post-incident-proofs:error:closed');
    begun.write(line.slice(10));
    expect(statusesOf(await readAll(begun))).toEqual([201]);
    await stopped;
    expect(await storedByRequests(dir.path)).toHaveLength(2);
    await expect(fetch(`${stopping.url}/healthz`)).rejects.toThrow('fetch failed');
  });
});

describe('the description of the interface', () => {
  it('has every route, each with an id, a summary and its problems', async () => {
    const { status, json } = await app.getJson('/openapi.json');
    expect(status).toBe(200);
    const paths = json.paths as Record<
      string,
      Record<string, { operationId?: string; summary?: string; responses: Record<string, unknown> }>
    >;
    expect(Object.keys(paths).toSorted()).toEqual(
      [
        '/add-checkpoint',
        '/bundles',
        '/checkpoint',
        '/events',
        '/healthz',
        '/ledger/proof',
        '/ledger/receipt',
        '/ledger/status',
        '/metrics',
        '/readyz',
        '/tile/{path}',
        '/versions',
        '/versions/{name}',
        '/versions/{name}/confirm',
        '/versions/{name}/diff',
        '/versions/{name}/events',
        '/versions/{name}/head',
        '/versions/{name}/hold',
        '/versions/{name}/legal-hold',
        '/versions/{name}/rollback',
        '/versions/{name}/verify',
        '/versions/{name}/{version}',
        '/versions/{name}/{version}/pin',
        '/witness/key',
      ].toSorted(),
    );
    const operations = Object.values(paths).flatMap((methods) => Object.values(methods));
    expect(new Set(operations.map(({ operationId }) => operationId)).size).toBe(operations.length);
    for (const { summary, responses } of operations) {
      expect(summary).toMatch(/\S/);
      expect(responses).toHaveProperty(['default', 'content', 'application/problem+json']);
    }
  });

  it('states what POST /events takes, as JSON and as NDJSON', async () => {
    const { json } = await app.getJson('/openapi.json');
    expect(json).toMatchObject({
      paths: {
        '/events': {
          post: {
            requestBody: {
              content: {
                'application/json': { schema: { anyOf: [{ title: 'Event' }, { type: 'array' }] } },
                'application/x-ndjson': { schema: { type: 'string' } },
              },
            },
          },
        },
      },
    });
  });

  it('is shown at /docs with everything the page loads from this very server', async () => {
    const page = await fetch(`${app.url}/docs`);
    expect(page.status).toBe(200);
    expect(page.headers.get('content-type')).toMatch(/^text\/html/);
    const html = await page.text();
    const assets = [...html.matchAll(/(?:src|href)="([^"#]+)"/g)].map(([, path]) => new URL(path, page.url));
    expect(assets.length).toBeGreaterThan(3);
    for (const asset of [...assets, new URL(`${app.url}/docs/json`)]) {
      expect(asset.origin).toBe(app.url);
      const response = await fetch(asset);
      expect({ asset: asset.pathname, status: response.status }).toEqual({ asset: asset.pathname, status: 200 });
      expect((await response.arrayBuffer()).byteLength).toBeGreaterThan(0);
    }
  });
});
