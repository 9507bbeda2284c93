import { cpSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { startRedis } from '../support/redis-server.ts';
import { startApp, type RunningApp } from '../support/running-app.ts';
import { SidecarStartError, startSidecar, type Sidecar } from '../support/sidecar.ts';
import { tempDir } from '../support/temp-dir.ts';

/** Up to four starts of real sidecars in one test. */
vi.setConfig({ testTimeout: 120_000 });

/** A sidecar with its lock beside the data, as a folder of one disk. */
function startAnchored(dir: string, data = 'data'): Promise<Sidecar> {
  return startSidecar({ dataDir: join(dir, data), env: { PROOFS_ANCHOR: 'file', PROOFS_ANCHOR_DIR: join(dir, 'anchors') } });
}

async function post(url: string, message: string): Promise<number> {
  const init = { method: 'POST', body: JSON.stringify({ message }), headers: { 'content-type': 'application/json' } };
  const response = await fetch(`${url}/events`, init);
  await response.text();
  return response.status;
}

async function stop(sidecar: Sidecar): Promise<number> {
  sidecar.kill('SIGTERM');
  return sidecar.exited;
}

/** The exit code of a start that must fail, with what it said. */
async function refusal(start: Promise<Sidecar>): Promise<{ exitCode: number | undefined; message: string }> {
  try {
    await using sidecar = await start;
    throw new Error(`it started: ${sidecar.url}`);
  } catch (error) {
    if (!(error instanceof SidecarStartError)) throw error;
    return { exitCode: error.exitCode, message: error.message };
  }
}

const anchorFiles = (dir: string): string[] => readdirSync(join(dir, 'anchors'));

describe('a sidecar with a checkpoint lock', () => {
  it('starts again where it stopped, and after a kill', async () => {
    using dir = tempDir();
    for (const signal of ['SIGTERM', 'SIGKILL', 'SIGTERM'] as const) {
      await using sidecar = await startAnchored(dir.path);
      expect(await post(sidecar.url, signal)).toBe(201);
      sidecar.kill(signal);
      await sidecar.exited;
    }
    expect(anchorFiles(dir.path).filter((name) => name.endsWith('.checkpoint'))).toHaveLength(1);
  });

  it('refuses the whole data folder of yesterday', async () => {
    using dir = tempDir();
    const data = join(dir.path, 'data');
    await using first = await startAnchored(dir.path);
    await post(first.url, 'yesterday');
    await stop(first);
    cpSync(data, join(dir.path, 'backup'), { recursive: true });
    await using second = await startAnchored(dir.path);
    await post(second.url, 'today');
    await stop(second);
    rmSync(data, { recursive: true });
    cpSync(join(dir.path, 'backup'), data, { recursive: true });
    const { exitCode, message } = await refusal(startAnchored(dir.path));
    expect(exitCode).toBe(33);
    // Five at least: on a slow machine the clock seals more often.
    expect(message).toMatch(/the checkpoint lock states ([5-9]|\d\d)/);
  });

  it('refuses a second history that a copy of the ledger wrote meanwhile', async () => {
    using dir = tempDir();
    await using first = await startAnchored(dir.path);
    await post(first.url, 'common');
    await stop(first);
    cpSync(join(dir.path, 'data'), join(dir.path, 'copy'), { recursive: true });
    await using copy = await startAnchored(dir.path, 'copy');
    await post(copy.url, 'only in the copy');
    await stop(copy);
    expect((await refusal(startAnchored(dir.path))).exitCode).toBe(33);
  });

  it('ends when a copy of it has moved the lock on', async () => {
    using dir = tempDir();
    await using original = await startAnchored(dir.path);
    await post(original.url, 'common');
    // Held still, so that neither of them seals an epoch before the other was started.
    original.kill('SIGSTOP');
    cpSync(join(dir.path, 'data'), join(dir.path, 'copy'), { recursive: true });
    await using copy = await startAnchored(dir.path, 'copy');
    expect(await post(copy.url, 'in the copy')).toBe(201);
    original.kill('SIGCONT');
    const fate = await Promise.race([post(original.url, 'in the original').catch(() => 'cut'), original.exited]);
    expect(fate).not.toBe(201);
    // FORKED, as at a start.
    expect(await original.exited).toBe(32);
    expect(original.stderr()).toContain('a second writer or a copy of it is at work');
  });

  it('says in readiness that a lock on the disk of the ledger guards against less', async () => {
    using dir = tempDir();
    await using app = await startApp({ env: { PROOFS_ANCHOR: 'file', PROOFS_ANCHOR_DIR: join(dir.path, 'anchors') } });
    const { status, json } = await app.getJson('/readyz');
    expect(status).toBe(200);
    expect(json).toMatchObject({ status: 'degraded', reasons: [expect.stringContaining('is on the same device as the ledger')] });
    expect(app.logLines.join('')).toContain('is on the same device as the ledger');
  });
});

describe('a lock that holds nothing', () => {
  it('is said by the start of a ledger that is not new, and by no other', async () => {
    using dir = tempDir();
    const [anchors, dataDir] = [join(dir.path, 'anchors'), join(dir.path, 'data')];
    const said = async (): Promise<string[]> => {
      await using app = await startApp({ dataDir, env: { PROOFS_ANCHOR: 'file', PROOFS_ANCHOR_DIR: anchors } });
      return app.logLines.filter((line) => line.includes('the checkpoint lock held nothing of this ledger'));
    };
    expect(await said()).toEqual([]);
    expect(await said()).toEqual([]);
    rmSync(anchors, { recursive: true });
    expect(await said()).toHaveLength(1);
    expect(await said()).toEqual([]);
  });
});

describe('a sidecar whose checkpoint lock cannot be reached', () => {
  const gauge = async (app: RunningApp, name: string): Promise<number> => {
    const text = await (await fetch(`${app.url}/metrics`)).text();
    return Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(text)?.[1]);
  };
  const checkpoint = async (app: RunningApp): Promise<string> => (await fetch(`${app.url}/checkpoint`)).text();
  const sizeOf = (note: string): number => Number(note.split('\n')[1]);

  it('goes on taking events, publishes no checkpoint, refuses receipts, and catches up by itself', async () => {
    await using redis = await startRedis();
    await using app = await startApp({ env: { PROOFS_ANCHOR: 'redis', PROOFS_REDIS_URL: redis.url } });
    await app.post('{"message":"before"}');
    const before = await checkpoint(app);
    redis.signal('SIGSTOP');
    for (let i = 0; i < 3; i++) {
      const { status, json } = await app.post(`{"message":"while it is away ${i}"}`);
      expect({ status, checkpoint: json.checkpoint }).toEqual({ status: 201, checkpoint: before });
    }
    expect(await checkpoint(app)).toBe(before);
    expect(await gauge(app, 'proofs_ledger_unanchored_entries')).toBeGreaterThanOrEqual(3);
    expect(await gauge(app, 'proofs_ledger_anchor_reachable')).toBe(0);
    expect((await app.getJson('/readyz')).json).toMatchObject({
      status: 'degraded',
      reasons: [expect.stringContaining('the checkpoint lock cannot be reached')],
    });

    const sizeBefore = app.context.ledger.acknowledged.head().size;
    const refused = await app.post('{"message":"for a receipt"}', { query: '?receipt=1' });
    expect(refused).toMatchObject({ status: 503, json: { type: expect.stringContaining('unanchored') } });
    expect(refused.headers.get('retry-after')).toBe('1');
    expect((await app.getJson('/ledger/receipt?first=0&last=1')).status).toBe(503);
    const stored: string[] = [];
    for await (const leaf of app.context.ledger.acknowledged.leaves(sizeBefore - 1, Number.MAX_SAFE_INTEGER))
      stored.push(Buffer.from(leaf.payload).toString());
    expect(stored.join('')).not.toContain('for a receipt');

    redis.signal('SIGCONT');
    await expect.poll(() => gauge(app, 'proofs_ledger_unanchored_entries'), { timeout: 15_000, interval: 100 }).toBe(0);
    expect(sizeOf(await checkpoint(app))).toBeGreaterThan(sizeOf(before) + 2);
    expect((await app.getJson('/readyz')).json).toMatchObject({ status: 'ready' });
    expect((await app.post('{"message":"again"}', { query: '?receipt=1' })).json.receipt).toMatch(/^proofs\/receipt\/v1\n/);
  });

  it('refuses at the first contact when the lock turns out to be newer than the ledger', async () => {
    using dir = tempDir();
    const dataDir = join(dir.path, 'data');
    await using redis = await startRedis();
    const env = { PROOFS_ANCHOR: 'redis', PROOFS_REDIS_URL: redis.url };
    await using first = await startSidecar({ dataDir, env });
    await post(first.url, 'yesterday');
    await stop(first);
    cpSync(dataDir, join(dir.path, 'backup'), { recursive: true });
    await using second = await startSidecar({ dataDir, env });
    await post(second.url, 'today');
    await post(second.url, 'also today');
    await stop(second);
    redis.signal('SIGSTOP');
    await using third = await startSidecar({ dataDir: join(dir.path, 'backup'), env });
    redis.signal('SIGCONT');
    expect(await third.exited).not.toBe(0);
    expect(third.stderr()).toContain('the checkpoint lock states');
  });
});
