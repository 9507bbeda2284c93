import { chmodSync, existsSync, lstatSync, readdirSync, readFileSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { COMMANDS } from '../../src/cli/commands.ts';
import { dispatch } from '../../src/cli/dispatch.ts';
import { captureIo, type CapturedIo, type CapturedIoOptions } from '../support/cli-io.ts';
import { startApp, type RunningApp } from '../support/running-app.ts';
import { tempDir } from '../support/temp-dir.ts';

let app: RunningApp;
let dir: ReturnType<typeof tempDir>;
beforeEach(async () => {
  app = await startApp();
  dir = tempDir();
});
afterEach(async () => {
  await app[Symbol.asyncDispose]();
  dir[Symbol.dispose]();
});

interface Run {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function run(args: readonly string[], options: CapturedIoOptions = {}, io: CapturedIo = captureIo(options)): Promise<Run> {
  const code = await dispatch(['versions', ...args, '--url', app.url], io, COMMANDS);
  return { code, out: io.out(), err: io.err() };
}

function file(name: string, content?: string): string {
  const path = join(dir.path, name);
  if (content !== undefined) writeFileSync(path, content);
  return path;
}

describe('versions put, list, get and diff', () => {
  it('store, show and fetch versions', async () => {
    const put = await run(['put', 'app', file('1', '{"v":1}'), '--first', '--reason', 'größer', '--actor', 'ann']);
    expect(put).toMatchObject({ code: 0, out: expect.stringMatching(/^app 1 .* 7 bytes .* put by ann: größer\n$/) });
    const { etag } = JSON.parse((await run(['put', 'app', file('2', '{"v":2}'), '--latest', '--json'])).out) as { etag: string };
    // As a shell hands it over that took the quotes away.
    const third = await run(['put', 'app', '-', '--if-match', etag.slice(1, -1)], { stdin: '{"v":3}' });
    expect(third.out).toMatch(/^app 3 /);
    const list = await run(['list', 'app']);
    expect(list.out.split('\n').map((line) => line.trim().slice(0, 2).trim())).toEqual(['ap', '3', '2', '1', '']);
    expect((await run(['list', 'app', '-n', '1', '--json'])).out).toMatch(/^\{"version":3,.*\}\n$/);
    expect((await run(['list'])).out).toMatch(/^app\n +3 .* put\n$/);
    expect((await run(['get', 'app', '1'])).out).toBe('{"v":1}');
    expect((await run(['get', 'app', '--at', new Date().toISOString()])).out).toBe('{"v":3}');
    expect((await run(['diff', 'app', '1', '3'])).out).toBe('- /v: 1\n+ /v: 3\n');
    expect((await run(['diff', 'app', '1', '3', '--json'])).out).toContain('"format":"json"');
    expect((await run(['diff', 'app', '1', '3'], { useColor: true })).out).toContain('\u001b[32m+ /v: 3\u001b[0m');
  });

  it('put the first version of an artifact under --latest, and one key once', async () => {
    const [path] = [file('1', 'x')];
    expect((await run(['put', 'app', path, '--latest', '--key', 'k'])).out).toMatch(/^app 1 /);
    expect((await run(['put', 'app', path, '--first', '--key', 'k'])).out).toMatch(/^app 1 /);
    expect((await run(['list', 'app', '--json'])).out.split('\n')).toHaveLength(2);
  });

  it('draw a bar on a terminal only', async () => {
    const path = file('big', 'x'.repeat(3_000_000));
    expect((await run(['put', 'app', path, '--first'], { isTerminal: true })).err).toMatch(/\r\u001b\[K.*big {2}\[#/);
    const out = file('out');
    expect((await run(['get', 'app', '--output', out], { isTerminal: true })).err).toMatch(/\[#+-*\]/);
    expect((await run(['get', 'app', '--output', out])).err).toBe('');
    expect(statSync(out).size).toBe(3_000_000);
  });

  it('end with their own codes when they are refused, damaged, or nobody answers', async () => {
    const path = file('1', 'x');
    await run(['put', 'app', path, '--first']);
    expect(await run(['put', 'app', path, '--first'])).toMatchObject({ code: 76, out: '', err: expect.stringContaining('refuses (412)') });
    expect(await run(['get', 'app', '9'])).toMatchObject({ code: 76, err: expect.stringContaining('its head is 1') });
    expect(await run(['list', 'nobody'])).toMatchObject({ code: 76 });
    const folder = join(app.dataDir, 'versions');
    for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' }))
      if (statSync(join(folder, name)).isFile() && readFileSync(join(folder, name), 'utf8') === 'x') writeFileSync(join(folder, name), 'y');
    expect(await run(['get', 'app'])).toMatchObject({ code: 31, out: '' });
    expect(await run(['verify', 'app'])).toMatchObject({ code: 31, out: expect.stringContaining('DAMAGED in 1 place(s)') });
    const io = captureIo();
    expect(await dispatch(['versions', 'list', '--url', 'http://127.0.0.1:1'], io, COMMANDS)).toBe(69);
    expect(io.err()).toContain('no sidecar answers at http://127.0.0.1:1');
  });
});

describe('versions get --output', () => {
  it('replaces the file whole, keeps its mode, and follows a link to it', async () => {
    await run(['put', 'app', file('1', 'new'), '--first']);
    const target = file('target', 'old');
    chmodSync(target, 0o640);
    const link = file('link');
    symlinkSync(target, link);
    const { code, out } = await run(['get', 'app', '--output', link, '--json']);
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ name: 'app', version: 1, bytes: 3, file: link });
    expect([readFileSync(target, 'utf8'), statSync(target).mode & 0o777, lstatSync(link).isSymbolicLink()]).toEqual(['new', 0o640, true]);
    expect(readdirSync(dir.path).toSorted()).toEqual(['1', 'link', 'target']);
  });

  it.each([
    ['other bytes come than were announced', 'wrong', 70, 'the file was left as it is'],
    ['the connection is cut', 'wr', 69, 'the connection was cut'],
  ])('leaves the file as it is when %s', async (_case, sent, code, message) => {
    const server = createServer((request, response) => {
      response.writeHead(200, { etag: `"1-${'0'.repeat(64)}"`, 'content-length': '5' });
      response.write(sent, () => (sent.length === 5 ? response.end() : request.socket.destroySoon()));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const target = file('target', 'old');
    const io = captureIo();
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    expect(await dispatch(['versions', 'get', 'app', '--output', target, '--url', url], io, COMMANDS)).toBe(code);
    server.close();
    expect(io.err()).toContain(message);
    expect([readFileSync(target, 'utf8'), readdirSync(dir.path)]).toEqual(['old', ['target']]);
  });
});

describe('versions rollback and the small changes', () => {
  it('say what they would do, do it, and hold', async () => {
    await run(['put', 'app', file('1', 'one'), '--first']);
    await run(['put', 'app', file('2', 'two'), '--latest']);
    const dry = await run(['rollback', 'app', '--to', '1', '--reason', 'two fails', '--dry-run']);
    expect(dry.out).toMatch(
      /^app would go from version 2 to the content of version 1, 3 bytes, sha256 [0-9a-f]{64}; 1 step\(s\) taken back, /,
    );
    const done = await run(['rollback', 'app', '--to', '1', '--reason', 'two fails', '--actor', 'ann', '--hold']);
    expect(done.out).toMatch(/^app 3 .* rollback to 1 by ann: two fails\n$/);
    expect((await run(['put', 'app', file('3', 'three'), '--latest'])).err).toContain('refuses (423)');
    expect((await run(['list', 'app'])).out).toMatch(/^app {2}"3-[0-9a-f]{64}" {2}\(held: two fails\)\n/);
    expect((await run(['release', 'app', '--actor', 'ann'])).out).toMatch(/^app release; head: 3 /);
    expect((await run(['pin', 'app', '2'])).out).toMatch(/^app pin 2; head: 3 /);
    expect((await run(['list'])).out).toContain('app  (pinned: 2)\n');
    expect((await run(['unpin', 'app', '2'])).code).toBe(0);
    expect((await run(['hold', 'app', '--reason', 'a case', '--legal'])).code).toBe(0);
    expect((await run(['list'])).out).toContain('app  (legal hold: a case)\n');
    expect((await run(['verify', 'app'])).out).toBe('app: 3 of 3 versions checked, intact\n');
  });

  it('confirm a change that would go back by itself', async () => {
    await run(['put', 'app', file('1', 'one'), '--first']);
    await run(['put', 'app', file('2', 'two'), '--latest', '--confirm-within', '600']);
    expect((await run(['list'])).out).toMatch(/^app {2}\(back to 1 unless confirmed before \S+\)\n/);
    expect((await run(['confirm', 'app'])).code).toBe(0);
    expect(await run(['confirm', 'app'])).toMatchObject({ code: 76, err: expect.stringContaining('refuses (409)') });
  });
});

describe('versions sync', () => {
  it('--once brings the file up and ends; what died while it wrote is cleared away', async () => {
    await run(['put', 'app', file('1', 'one'), '--first']);
    const target = file('app.conf', 'old');
    const [dead, young] = [file('.app.conf.0123456789ab.tmp', 'x'), file('.app.conf.0123456789ac.tmp', 'x')];
    utimesSync(dead, 1, 1);
    expect((await run(['sync', 'app', target, '--once'])).out).toMatch(/app\.conf is now app 1 /);
    expect(readFileSync(target, 'utf8')).toBe('one');
    expect([existsSync(dead), existsSync(young)]).toEqual([false, true]);
    const before = statSync(target);
    expect((await run(['sync', 'app', target, '--once'])).out).toMatch(/app\.conf is app 1 /);
    expect(statSync(target).ino).toBe(before.ino);
    expect((await run(['sync', 'nobody', target, '--once'])).code).toBe(76);
  });

  it('follows every change until Ctrl-C', async () => {
    const target = file('app.conf');
    const io = captureIo();
    const running = run(['sync', 'app', target], {}, io);
    await run(['put', 'app', file('1', 'one'), '--first']);
    await expect.poll(() => io.out()).toContain('app 1 ');
    await run(['put', 'app', file('2', 'two'), '--latest']);
    await expect.poll(() => io.out()).toContain('app 2 ');
    expect(readFileSync(target, 'utf8')).toBe('two');
    await run(['rollback', 'app', '--to', '1', '--reason', 'back']);
    await expect.poll(() => io.out()).toContain('rollback to 1: back\n');
    expect(readFileSync(target, 'utf8')).toBe('one');
    io.controller.abort();
    expect(await running).toMatchObject({ code: 0, err: '' });
  });

  it('ends where no waiting helps', async () => {
    const io = captureIo();
    await using guarded = await startApp({ env: { PROOFS_TOKENS_FILE: file('token', 'a-token-of-sixteen-characters\n') } });
    expect(await dispatch(['versions', 'sync', 'app', file('app.conf'), '--url', guarded.url], io, COMMANDS)).toBe(76);
    expect(io.err()).toContain('refuses (401)');
  });
});
