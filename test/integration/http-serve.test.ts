import { spawn } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { openRaw, postHead, readAll, statusesOf } from '../support/raw-http.ts';
import { launchSidecar, startSidecar } from '../support/sidecar.ts';
import { storedByRequests } from '../support/stored-leaves.ts';
import { tempDir } from '../support/temp-dir.ts';

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
const TOKEN = 'serve-test-token-0123456789abcdef';

/** `serve` with exactly these settings, until it ends by itself. */
async function serveAndEnd(env: Readonly<Record<string, string>>): Promise<{ code: number | null; out: string; err: string }> {
  const child = spawn(process.execPath, [MAIN, 'serve'], {
    env: { PATH: process.env.PATH ?? '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const said = { out: '', err: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said.out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said.err += text));
  // A sidecar that starts although it must not would run for ever.
  const timer = setTimeout(() => child.kill('SIGKILL'), 15_000);
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  clearTimeout(timer);
  return { code, ...said };
}

describe('serve with wrong settings', () => {
  it('refuses to listen beyond loopback without tokens, says what to do, and makes nothing', async () => {
    using dir = tempDir();
    const dataDir = join(dir.path, 'data');
    const { code, out, err } = await serveAndEnd({ PROOFS_HOST: '0.0.0.0', PROOFS_PORT: '0', PROOFS_DATA_DIR: dataDir });
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toContain('PROOFS_HOST="0.0.0.0" is reachable from other machines');
    expect(err).toContain('PROOFS_TOKENS_FILE');
    expect(existsSync(dataDir)).toBe(false);
  });

  it('lists every fault of the YAML file and the environment', async () => {
    using dir = tempDir();
    const path = join(dir.path, 'proofs.yaml');
    writeFileSync(path, 'hots: 1.2.3.4\nport: many\ndata-dir: /x\n');
    const { code, err } = await serveAndEnd({ PROOFS_CONFIG: path, PROOFS_LOG_LEVEL: 'loud', PROOFS_DATA_DIR: dir.path });
    expect(code).toBe(2);
    for (const text of ['"hots" is not a setting', '"data-dir" is not a setting', 'PROOFS_PORT="many"', 'PROOFS_LOG_LEVEL="loud"'])
      expect(err).toContain(text);
  });

  it('refuses a token that is too short without printing it', async () => {
    using dir = tempDir();
    const path = join(dir.path, 'token');
    writeFileSync(path, 'short-secret\n', { mode: 0o600 });
    const { code, err } = await serveAndEnd({
      PROOFS_HOST: '0.0.0.0',
      PROOFS_PORT: '0',
      PROOFS_TOKENS_FILE: path,
      PROOFS_DATA_DIR: dir.path,
    });
    expect(code).toBe(2);
    expect(err).toContain('at least 16');
    expect(err).not.toContain('short-secret');
  });
});

describe('serve', () => {
  it('asks for the token of its file', async () => {
    using dir = tempDir();
    const path = join(dir.path, 'token');
    writeFileSync(path, `${TOKEN}\n`, { mode: 0o600 });
    await using sidecar = await startSidecar({ dataDir: dir.path, env: { PROOFS_TOKENS_FILE: path } });
    expect((await fetch(`${sidecar.url}/ledger/status`)).status).toBe(401);
    expect((await fetch(`${sidecar.url}/ledger/status`, { headers: { authorization: `Bearer ${TOKEN}` } })).status).toBe(200);
  });

  it.each(['SIGTERM', 'SIGINT'] as const)(
    'drains at %s: requests in flight are answered, the exit code is 0, the next start has everything',
    async (signal) => {
      using dir = tempDir();
      const line = '{"message":"in flight"}\n';
      {
        await using sidecar = await startSidecar({ dataDir: dir.path, env: { PROOFS_LOG_LEVEL: 'info' } });
        const post = (i: number): Promise<Response> =>
          fetch(`${sidecar.url}/events`, { method: 'POST', body: `{"message":"m${i}"}`, headers: { 'content-type': 'application/json' } });
        for (let i = 0; i < 5; i++) expect((await post(i)).status).toBe(201);
        const socket = await openRaw(
          Number(new URL(sidecar.url).port),
          `${postHead(`Content-Length: ${line.length}`)}${line.slice(0, 10)}`,
        );
        expect((await fetch(`${sidecar.url}/healthz`)).status).toBe(200);
        sidecar.kill(signal);
        await expect.poll(() => sidecar.stderr()).toContain('"draining"');
        socket.write(line.slice(10));
        expect(statusesOf(await readAll(socket))).toEqual([201]);
        expect(await sidecar.exited).toBe(0);
        expect(sidecar.stderr()).toContain('"stopped"');
      }
      await using again = await startSidecar({ dataDir: dir.path });
      expect(await (await fetch(`${again.url}/readyz`)).json()).toEqual({ status: 'ready', reasons: [] });
      const { events } = (await (await fetch(`${again.url}/events`)).json()) as { events: { event: { message: string } }[] };
      expect(events.map(({ event }) => event.message)).toEqual(['m0', 'm1', 'm2', 'm3', 'm4', 'in flight']);
      expect(await storedByRequests(dir.path)).toHaveLength(7);
    },
  );

  it('never writes a secret into its log, at its most talkative', async () => {
    using dir = tempDir();
    const path = join(dir.path, 'token');
    writeFileSync(path, `${TOKEN}\n`, { mode: 0o600 });
    await using sidecar = await startSidecar({
      dataDir: join(dir.path, 'data'),
      env: { PROOFS_LOG_LEVEL: 'trace', PROOFS_TOKENS_FILE: path },
    });
    const headers = { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' };
    await fetch(`${sidecar.url}/events`, { method: 'POST', body: '{"message":"body-text-marker"}', headers });
    await fetch(`${sidecar.url}/events`, { method: 'POST', body: '{"message":', headers });
    await fetch(`${sidecar.url}/nowhere`, { headers });
    sidecar.kill('SIGTERM');
    expect(await sidecar.exited).toBe(0);
    const log = sidecar.stderr();
    expect(log).toContain('"ready"');
    const keyLines = ['verification.key', 'epoch.key', 'log.key']
      .flatMap((name) => readFileSync(join(dir.path, 'data', 'keys', name), 'utf8').split('\n'))
      .filter((text) => /^[A-Za-z0-9+/=]{40,}$/.test(text));
    const secrets = [TOKEN, 'body-text-marker', ...keyLines];
    // The root key, the running epoch's two secrets, the private key.
    expect(secrets).toHaveLength(6);
    for (const secret of secrets) expect(log).not.toContain(secret);
  });

  it('refuses a second sidecar in the same folder, and the first goes on', async () => {
    using dir = tempDir();
    await using first = await startSidecar({ dataDir: dir.path });
    await using second = launchSidecar({ dataDir: dir.path });
    expect(await second.exited).toBe(70);
    expect(second.stderr()).toMatch(/another process/);
    const answer = await fetch(`${first.url}/events`, {
      method: 'POST',
      body: '{"message":"m"}',
      headers: { 'content-type': 'application/json' },
    });
    expect(answer.status).toBe(201);
  });

  it('says that its port is taken and leaves the ledger closed properly', async () => {
    using dir = tempDir();
    const blocker = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => blocker.once('listening', resolve));
    const { port } = blocker.address() as AddressInfo;
    const { code, err } = await serveAndEnd({ PROOFS_PORT: String(port), PROOFS_DATA_DIR: dir.path });
    blocker.close();
    expect(code).toBe(70);
    expect(err).toContain('EADDRINUSE');
    await using after = await startSidecar({ dataDir: dir.path });
    expect(await (await fetch(`${after.url}/readyz`)).json()).toEqual({ status: 'ready', reasons: [] });
  });
});
