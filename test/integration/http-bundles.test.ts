import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startApp, type RunningApp } from '../support/running-app.ts';
import { storedByRequests } from '../support/stored-leaves.ts';
import { LEAF_TYPES } from '../../src/kernel/leaf.ts';

let app: RunningApp;
beforeAll(async () => {
  app = await startApp();
  await app.post('[{"message":"first","level":"error"},{"message":"second"}]');
});
afterAll(() => app[Symbol.asyncDispose]());

describe('GET /bundles', () => {
  it('hands out a ZIP, says its digest and window, and records it in the ledger', async () => {
    const response = await fetch(`${app.url}/bundles?window=1h`);
    const bytes = Buffer.from(await response.arrayBuffer());
    expect({ status: response.status, type: response.headers.get('content-type') }).toEqual({ status: 200, type: 'application/zip' });
    expect(bytes.subarray(0, 4).toString('latin1')).toBe('PK\x03\x04');
    const digest = createHash('sha256').update(bytes).digest();
    expect(response.headers.get('repr-digest')).toBe(`sha-256=:${digest.toString('base64')}:`);
    expect(response.headers.get('content-disposition')).toMatch(/^attachment; filename="incident-[0-9TZ-]+\.zip"$/);
    expect(response.headers.get('proofs-window')).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z\/\d{4}-\d\d-\d\dT[\d:.]+Z$/);
    const records = (await storedByRequests(app.dataDir)).filter((leaf) => leaf.type === LEAF_TYPES.bundle);
    expect(Buffer.from(records[0].payload).toString()).toContain(digest.toString('hex'));
    const metrics = await (await fetch(`${app.url}/metrics`)).text();
    expect(metrics).toContain('proofs_bundles_built_total 1\n');
    expect(metrics).toContain('proofs_bundle_bytes_count 1\n');
  });

  it('gives the same bytes again for the window it named', async () => {
    const first = await fetch(`${app.url}/bundles?window=1h`);
    const [from, to] = (first.headers.get('proofs-window') ?? '').split('/');
    const again = await fetch(`${app.url}/bundles?${new URLSearchParams({ from, to }).toString()}`);
    expect(again.status).toBe(200);
    expect(Buffer.from(await again.arrayBuffer()).equals(Buffer.from(await first.arrayBuffer()))).toBe(true);
  });

  it.each([
    ['nothing', '', 'bad-window'],
    ['a window and an end', '?window=1h&to=2026-01-02T03:04:05Z', 'bad-window'],
    ['a beginning without an end', '?from=2026-01-02T03:04:05Z', 'bad-window'],
    ['words', '?window=yesterday', 'bad-window'],
    ['an end before the beginning', '?from=2026-01-02T03:04:05Z&to=2026-01-01T03:04:05Z', 'bad-window'],
    ['a window before the ledger began', '?from=2001-01-02T03:04:05Z&to=2001-01-03T03:04:05Z', 'bad-window'],
    ['an end in the future', '?from=2026-01-02T03:04:05Z&to=2500-01-02T03:04:05Z', 'window-in-future'],
    ['an unknown parameter', '?window=1h&format=tar', 'invalid-request'],
    ['one parameter twice', '?window=1h&window=2h', 'invalid-request'],
  ])('refuses %s', async (_case, query, code) => {
    const { status, headers, json } = await app.getJson(`/bundles${query}`);
    expect({ status, type: json.type }).toEqual({ status: 400, type: `urn:post-incident-proofs:error:${code}` });
    expect(headers.get('content-type')).toMatch(/^application\/problem\+json/);
  });
});
