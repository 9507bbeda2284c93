import { spawn, type ChildProcess } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { verifyBundle } from '../../src/verify/bundle-verify.ts';
import { Dice } from '../support/dice.ts';
import { runProgram } from '../support/run-program.ts';
import { testSeed } from '../support/seed.ts';
import { startSidecar, type Sidecar } from '../support/sidecar.ts';
import { tempDir } from '../support/temp-dir.ts';
import { runTool } from '../support/tools.ts';

const READER = fileURLToPath(new URL('../support/config-reader.run.ts', import.meta.url));
/** A second is the promise on a machine that has something left; the tests share theirs with others. */
const BACK_MS_MAX = 5000;
const KILLS = 8;

async function put(url: string, name: string, content: string | Uint8Array<ArrayBuffer>, headers: Record<string, string>): Promise<string> {
  const response = await fetch(`${url}/versions/${name}`, { method: 'PUT', body: content, headers });
  expect(response.status).toBe(201);
  return response.headers.get('etag') ?? '';
}

/** Lines of a process as they come. */
function linesOf(child: ChildProcess): { includes(line: string): boolean; all(): string } {
  let text = '';
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  return { includes: (line) => text.split('\n').includes(line), all: () => text };
}

async function until(isTrue: () => boolean): Promise<number> {
  const startMs = performance.now();
  while (!isTrue()) {
    if (performance.now() - startMs > 30_000) throw new Error('it did not come to that within 30 s');
    await delay(2);
  }
  return performance.now() - startMs;
}

it('takes a broken config of a running app back by one call, and the bundle of that hour says who, why, from what to what', async () => {
  using dir = tempDir();
  const file = join(dir.path, 'app.json');
  await using sidecar = await startSidecar({ dataDir: join(dir.path, 'data') });
  const { url } = sidecar;
  const good = await put(url, 'app.json', '{"mode":"good"}', { 'if-none-match': '*', 'x-actor': 'ci', 'x-reason': 'release 1' });
  const sync = runProgram(['versions', 'sync', 'app.json', file, '--url', url]);
  const reader = spawn(process.execPath, [READER, file], { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    const app = linesOf(reader);
    await until(() => app.includes('good'));
    const bad = await put(url, 'app.json', '{"mode":"bad"}', { 'if-match': good, 'x-actor': 'ci', 'x-reason': 'release 2' });
    await until(() => app.includes('bad'));

    const startMs = performance.now();
    const rollback = fetch(`${url}/versions/app.json/rollback`, {
      method: 'POST',
      headers: { 'if-match': bad, 'content-type': 'application/json' },
      body: JSON.stringify({ to: 1, reason: 'checkout fails since release 2', actor: 'ann' }),
    });
    await until(() => app.all().trimEnd().endsWith('bad\ngood'));
    const tookMs = performance.now() - startMs;
    expect((await rollback).status).toBe(201);
    console.log(`from the call to an app that runs with the config before: ${tookMs.toFixed(0)} ms`);
    expect(tookMs).toBeLessThan(BACK_MS_MAX);
    expect(readFileSync(file, 'utf8')).toBe('{"mode":"good"}');
    // It parsed each content that it read: none was half written.
    expect(reader.exitCode).toBeNull();
    await expectInBundle(sidecar, dir.path, good, bad);
  } finally {
    reader.kill();
    sync.child.kill('SIGINT');
  }
  const { code, out, err } = await sync.result;
  expect({ code, err }).toEqual({ code: 0, err: '' });
  expect(out.match(/is now app\.json/g)).toHaveLength(3);
});

/** The evidence of the last hour verifies, and an entry tells the rollback whole. */
async function expectInBundle({ url }: Sidecar, folder: string, good: string, bad: string): Promise<void> {
  const bytes = Buffer.from(await (await fetch(`${url}/bundles?window=1h`)).arrayBuffer());
  expect(verifyBundle({ bytes }).verdict).toBe('OK_UNANCHORED');
  const zip = join(folder, 'bundle.zip');
  writeFileSync(zip, bytes);
  const { output } = runTool('unzip', ['-p', zip, 'logs/events.ndjson']);
  const changes = output
    .split('\n')
    .filter((line) => line.includes('"type":"version-change"'))
    .map((line) => (JSON.parse(line) as { payload: Record<string, unknown> }).payload)
    .filter(({ outcome }) => outcome === 'done');
  const hash = (etag: string): string => etag.slice(3, -1);
  expect(changes).toMatchObject([
    { action: 'put', name: 'app.json', actor: 'ci', reason: 'release 1', to: { version: 1, sha256: hash(good) } },
    { action: 'put', actor: 'ci', reason: 'release 2', from: { version: 1 }, to: { version: 2, sha256: hash(bad) } },
    {
      action: 'rollback',
      actor: 'ann',
      reason: 'checkout fails since release 2',
      from: { version: 2, sha256: hash(bad) },
      to: { version: 3, sha256: hash(good) },
      restores: 1,
    },
  ]);
}

it('kill -9 leaves the old content or the new one, and what starts again brings the file up', { timeout: 180_000 }, async () => {
  using dir = tempDir();
  const file = join(dir.path, 'model.bin');
  const dice = new Dice(testSeed(), 0);
  await using sidecar = await startSidecar({ dataDir: join(dir.path, 'data') });
  const { url } = sidecar;
  const known = new Set<string>();
  let etag = '';
  for (let kill = 0; kill < KILLS; kill++) {
    const content = randomBytes(4 * 1024 * 1024);
    known.add(createHash('sha256').update(content).digest('hex'));
    const { child, result } = runProgram(['versions', 'sync', 'model.bin', file, '--url', url]);
    const said = linesOf(child);
    if (kill > 0) await until(() => said.all().includes(' is '));
    etag = await put(url, 'model.bin', content, etag === '' ? { 'if-none-match': '*' } : { 'if-match': etag });
    await delay(dice.below(40));
    child.kill('SIGKILL');
    await result;
    if (existsSync(file)) expect(known).toContain(createHash('sha256').update(readFileSync(file)).digest('hex'));
  }
  const once = await runProgram(['versions', 'sync', 'model.bin', file, '--once', '--url', url]).result;
  expect(once).toMatchObject({ code: 0, err: '' });
  expect(createHash('sha256').update(readFileSync(file)).digest('hex')).toBe(etag.split('-')[1].slice(0, -1));
  // Beside the file only what was killed while it wrote, under a name that says so.
  const left = readdirSync(dir.path).filter((name) => name !== 'data' && name !== 'model.bin');
  for (const name of left) expect(name).toMatch(/^\.model\.bin\.[0-9a-f]{12}\.tmp$/);
});

it('keeps the file while the sidecar is away, and finds it again', { timeout: 120_000 }, async () => {
  using dir = tempDir();
  const file = join(dir.path, 'app.conf');
  const dataDir = join(dir.path, 'data');
  const first = await startSidecar({ dataDir });
  const port = Number(new URL(first.url).port);
  const etag = await put(first.url, 'app.conf', 'one', { 'if-none-match': '*' });
  const { child, result } = runProgram(['versions', 'sync', 'app.conf', file, '--url', first.url]);
  const said = linesOf(child);
  await until(() => said.all().includes('app.conf 1 '));
  first.kill('SIGTERM');
  // An open stream of events does not keep it: the deadline of a stop is ten seconds.
  const startMs = performance.now();
  expect(await first.exited).toBe(0);
  expect(performance.now() - startMs).toBeLessThan(8000);
  expect(readFileSync(file, 'utf8')).toBe('one');
  await using second = await startSidecar({ dataDir, port });
  await put(second.url, 'app.conf', 'two', { 'if-match': etag });
  await until(() => said.all().includes('app.conf 2 '));
  expect(readFileSync(file, 'utf8')).toBe('two');
  child.kill('SIGINT');
  const { code, err } = await result;
  expect(code).toBe(0);
  expect(err).toContain('trying again');
});
