import { createHash, randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openRaw, readAll, statusesOf } from '../support/raw-http.ts';
import { startApp, type RunningApp } from '../support/running-app.ts';
import { storedChanges } from '../support/stored-changes.ts';
import { tempDir } from '../support/temp-dir.ts';

const MIB = 1024 * 1024;
const FIRST = { 'if-none-match': '*' };

interface Stored {
  readonly status: number;
  readonly etag: string;
  readonly json: Record<string, unknown>;
}

async function put(
  app: RunningApp,
  name: string,
  content: string | Uint8Array<ArrayBuffer>,
  headers: Record<string, string>,
): Promise<Stored> {
  const { status, headers: got, json } = await app.getJson(`/versions/${name}`, { method: 'PUT', body: content, headers });
  return { status, etag: got.get('etag') ?? '', json };
}

function rollBack(app: RunningApp, name: string, etag: string, body: object): ReturnType<RunningApp['getJson']> {
  const headers = { 'content-type': 'application/json', 'if-match': etag };
  return app.getJson(`/versions/${name}/rollback`, { method: 'POST', headers, body: JSON.stringify(body) });
}

async function bytesOf(app: RunningApp, path: string, headers: Record<string, string> = {}): Promise<Buffer> {
  return Buffer.from(await (await fetch(`${app.url}${path}`, { headers })).arrayBuffer());
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Files below the folder of the versions, by path. */
function filesOf(dataDir: string): string[] {
  return readdirSync(join(dataDir, 'versions'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

describe('the routes of the versions, on the real store', () => {
  it('keep contents far beyond the limit of other bodies, across a restart', { timeout: 120_000 }, async () => {
    using dir = tempDir();
    const [one, two] = [randomBytes(20 * MIB), randomBytes(20 * MIB)];
    two.set(one.subarray(0, 19 * MIB));
    {
      await using app = await startApp({ dataDir: dir.path });
      const first = await put(app, 'model', one, FIRST);
      expect(first).toMatchObject({ status: 201, json: { version: 1, sha256: sha256(one), bytes: 20 * MIB } });
      expect((await put(app, 'model', two, { 'if-match': first.etag })).json).toMatchObject({ version: 2, sha256: sha256(two) });
    }
    await using app = await startApp({ dataDir: dir.path });
    expect(sha256(await bytesOf(app, '/versions/model/1'))).toBe(sha256(one));
    expect(sha256(await bytesOf(app, '/versions/model/head'))).toBe(sha256(two));
    expect(await bytesOf(app, '/versions/model/2', { range: `bytes=${19 * MIB}-${19 * MIB + 9}` })).toEqual(
      two.subarray(19 * MIB, 19 * MIB + 10),
    );
    expect((await app.getJson('/versions/model/verify', { method: 'POST' })).json).toMatchObject({ versions: 2, checked: 2, damages: [] });
  });

  it('let one of two writers win, and tell the other which version did', async () => {
    await using app = await startApp();
    const { etag } = await put(app, 'a', 'begin', FIRST);
    const both = await Promise.all(['left', 'right'].map((content) => put(app, 'a', content, { 'if-match': etag })));
    expect(both.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([201, 412]);
    const [won, lost] = both.toSorted((a, b) => a.status - b.status);
    expect(lost.json.current).toEqual({ version: 2, sha256: won.json.sha256, etag: won.etag });
    expect(lost.etag).toBe(won.etag);
    expect(sha256(await bytesOf(app, '/versions/a/head'))).toBe(won.json.sha256);
  });

  it('record who did what to what, and what was refused', async () => {
    await using app = await startApp();
    const first = await put(app, 'a', '{"v":1}', { ...FIRST, 'x-actor': 'ann', 'x-reason': 'begin' });
    const second = await put(app, 'a', '{"v":2}', { 'if-match': first.etag });
    await put(app, 'a', '{"v":3}', { 'if-match': first.etag, 'x-actor': 'bob' });
    await rollBack(app, 'a', second.etag, { to: 1, reason: 'v2 fails', actor: 'carl' });
    const done = (await storedChanges(app.dataDir)).filter(({ outcome }) => outcome !== 'attempted');
    expect(done).toMatchObject([
      { action: 'put', outcome: 'done', actor: 'ann', reason: 'begin', to: { version: 1, sha256: first.json.sha256 } },
      { action: 'put', outcome: 'done', from: { version: 1 }, to: { version: 2 } },
      { action: 'put', outcome: 'refused', code: 'version-conflict', actor: 'bob' },
      { action: 'rollback', outcome: 'done', actor: 'carl', reason: 'v2 fails', from: { version: 2 }, to: { version: 3 }, restores: 1 },
    ]);
  });

  it('store nothing of a client that vanishes, and keep no file of it', async () => {
    await using app = await startApp();
    await put(app, 'a', 'begin', FIRST);
    const before = filesOf(app.dataDir).toSorted();
    const head = `PUT /versions/b HTTP/1.1\r\nHost: x\r\nIf-None-Match: *\r\nContent-Length: ${10 * MIB}\r\n\r\n`;
    const socket = await openRaw(app.port, head);
    socket.write(randomBytes(MIB));
    await expect.poll(() => filesOf(app.dataDir).length).toBeGreaterThan(before.length);
    socket.destroy();
    await expect.poll(() => filesOf(app.dataDir).toSorted()).toEqual(before);
    expect((await app.getJson('/versions/b')).status).toBe(404);
  });

  it('refuse a content beyond PROOFS_VERSIONS_BYTES, and keep no file of it', async () => {
    await using app = await startApp({ env: { PROOFS_VERSIONS_BYTES: '1000' } });
    const head = `PUT /versions/a HTTP/1.1\r\nHost: x\r\nIf-None-Match: *\r\nContent-Length: 5000\r\nConnection: close\r\n\r\n`;
    const socket = await openRaw(app.port, `${head}${'x'.repeat(5000)}`);
    expect(statusesOf(await readAll(socket, (text) => text.includes('urn:uuid')))).toEqual([413]);
    expect((await put(app, 'a', 'x'.repeat(1000), FIRST)).status).toBe(201);
    expect((await put(app, 'b', 'x'.repeat(1001), FIRST)).status).toBe(413);
  });

  it('hand nothing out whose bytes have changed on the disk', async () => {
    await using app = await startApp();
    const content = randomBytes(100_000);
    const { etag } = await put(app, 'a', content, FIRST);
    const file = filesOf(app.dataDir).find((path) => readFileSync(path).includes(content.subarray(50_000, 50_100))) ?? '';
    const bytes = readFileSync(file);
    bytes[60_000] ^= 1;
    writeFileSync(file, bytes);
    const { status, json } = await app.getJson('/versions/a/head');
    expect([status, json.type]).toEqual([500, 'urn:post-incident-proofs:error:version-damaged']);
    expect((await rollBack(app, 'a', etag, { to: 1, reason: 'r', dryRun: true })).status).toBe(500);
    expect((await app.getJson('/versions/a/verify', { method: 'POST' })).json.damages).toHaveLength(1);
  });

  it('hold, release and roll back to a time', async () => {
    await using app = await startApp();
    const first = await put(app, 'a', 'one', FIRST);
    const { at } = first.json;
    const second = await put(app, 'a', 'two', { 'if-match': first.etag });
    const rolled = await rollBack(app, 'a', second.etag, { to: at, reason: 'back', hold: true });
    expect(rolled.json).toMatchObject({ to: { version: 1 }, record: { version: 3, restores: 1 } });
    const etag = rolled.headers.get('etag') ?? '';
    expect((await put(app, 'a', 'three', { 'if-match': etag })).status).toBe(423);
    expect((await app.getJson('/versions/a/hold', { method: 'DELETE' })).json).not.toHaveProperty('hold');
    expect((await put(app, 'a', 'three', { 'if-match': etag })).status).toBe(201);
    expect((await app.getJson(`/versions/a?at=${String(at)}`)).json).toMatchObject({ version: 1 });
  });

  it('tell those who follow that nobody confirmed a change in time', async () => {
    await using app = await startApp();
    const { etag } = await put(app, 'a', 'one', FIRST);
    const socket = await openRaw(app.port, 'GET /versions/a/events HTTP/1.1\r\nHost: x\r\n\r\n');
    const said = readAll(socket, (text) => text.includes('id: 3\n'));
    const { status } = await app.getJson('/versions/a?confirmWithin=1', { method: 'PUT', body: 'two', headers: { 'if-match': etag } });
    expect(status).toBe(201);
    expect((await app.getJson('/versions/a')).json).toMatchObject({ head: { version: 2 }, confirm: { revertsTo: 1 } });
    expect(await said).toMatch(/id: 3\ndata: \{"name":"a","version":3,.*"cause":"revert",.*"restores":1/);
    expect(String(await bytesOf(app, '/versions/a/head'))).toBe('one');
    const metrics = await (await fetch(`${app.url}/metrics`)).text();
    expect(metrics).toContain('proofs_versions_changes_total{cause="revert",outcome="done"} 1');
  });

  it('do not keep a stop waiting for those who follow', async () => {
    const app = await startApp();
    await put(app, 'a', 'one', FIRST);
    const socket = await openRaw(app.port, 'GET /versions/a/events HTTP/1.1\r\nHost: x\r\n\r\n');
    const said = readAll(socket);
    await expect.poll(async () => await (await fetch(`${app.url}/metrics`)).text()).toContain('proofs_versions_watchers 1\n');
    const startMs = performance.now();
    await app.context.stop();
    expect(await said).toContain('id: 1\n');
    // The server would cut it after ten seconds at the latest.
    expect(performance.now() - startMs).toBeLessThan(5000);
    await app[Symbol.asyncDispose]();
  });
});
