import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { bundleBuild } from '../../src/cli/bundle-build.ts';
import { bundleVerify } from '../../src/cli/bundle-verify.ts';
import { UsageError, type Command } from '../../src/cli/command.ts';
import { makeFixture, type Fixture } from '../support/bundle-fixture.ts';

let dir: string;
let fixture: Fixture;
let server: Server | undefined;
let seen: IncomingMessage[];

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'proofs-bundle-cli-'));
  fixture = await makeFixture(20);
  seen = [];
});

afterEach(async () => {
  await new Promise<void>((resolve) => (server === undefined ? resolve() : server.close(() => resolve())));
  server = undefined;
  rmSync(dir, { recursive: true, force: true });
});

function sink(): Writable & { text: string } {
  const stream = Object.assign(new Writable({ write: (chunk, _encoding, done) => ((stream.text += String(chunk)), done()) }), { text: '' });
  return stream;
}

async function run(command: Command, ...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const [stdout, stderr] = [sink(), sink()];
  const io = {
    stdout,
    stderr,
    stdin: Readable.from([]),
    env: {},
    isTerminal: false,
    useColor: false,
    signal: new AbortController().signal,
  };
  const code = await command.run(args, io);
  return { code, stdout: stdout.text, stderr: stderr.text };
}

/** A sidecar's /bundles as far as the command sees it. */
async function listen(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> {
  server = createServer((request, response) => {
    seen.push(request);
    answer(request, response);
  });
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const file = (name: string): string => join(dir, name);

describe('bundle verify', () => {
  it('reports every stage in order and exits with the verdict', async () => {
    writeFileSync(file('b.zip'), (await fixture.bundle(100, 900)).bytes);
    const { code, stdout } = await run(bundleVerify, file('b.zip'));
    expect(code).toBe(10);
    const titles = [
      'archive is sane',
      'files match',
      'manifest is signed',
      'key is',
      'checkpoint is signed',
      'entries are intact',
      'entries lead',
      'window is complete',
      'counts are',
      'keyed chain is',
      'agrees with the anchor',
    ];
    const places = titles.map((title) => stdout.indexOf(title));
    expect(places).toEqual(places.toSorted((a, b) => a - b));
    expect(Math.min(...places)).toBeGreaterThan(0);
    expect(stdout).toMatch(/not checked\n.*whose key/s);
  });

  it('exits with 0 when anchored, with --json as a whole report', async () => {
    const bundle = await fixture.bundle(100, 900);
    writeFileSync(file('b.zip'), bundle.bytes);
    writeFileSync(file('anchor'), await fixture.ledger.signCheckpoint(bundle.window.last + 2));
    writeFileSync(file('hmac.key'), `${'11'.repeat(32)}\n`);
    const { code, stdout } = await run(
      bundleVerify,
      file('b.zip'),
      '--anchor',
      file('anchor'),
      '--hmac-key',
      file('hmac.key'),
      '--key',
      fixture.ledger.identity.verifierKey,
      '--json',
    );
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ verdict: 'OK_ANCHORED', exitCode: 0, findings: [], facts: { entries: 8, macsChecked: 10 } });
  });

  it('exits with 40 for what is no bundle, and 31 for a changed one', async () => {
    writeFileSync(file('b.zip'), 'hello');
    expect(await run(bundleVerify, file('b.zip'))).toMatchObject({ code: 40 });
    const bytes = Uint8Array.from((await fixture.bundle(100, 900)).bytes);
    // The CRC-32 in both places that state it: the archive is in order, its content is not what it says.
    const view = new DataView(bytes.buffer);
    const centralAt = view.getUint32(bytes.length - 6, true);
    const descriptorAt = 30 + 'VERIFY.md'.length + view.getUint32(centralAt + 20, true);
    for (const at of [centralAt + 16, descriptorAt + 4]) bytes[at] ^= 1;
    writeFileSync(file('b.zip'), bytes);
    expect(await run(bundleVerify, file('b.zip'))).toMatchObject({ code: 31 });
  });

  it('lists every fault of the command line', async () => {
    await expect(run(bundleVerify, '--key', 'x', '--anchor', file('none'), '--hmac-key', file('none2'))).rejects.toThrow(
      /FILE to check.*--key is "x".*--anchor.*--hmac-key/s,
    );
    await expect(run(bundleVerify, file('none.zip'))).rejects.toThrow(UsageError);
  });

  it('lets nothing from a bundle drive the terminal', async () => {
    writeFileSync(file('\u001b[31mx.zip'), 'x');
    const { stdout } = await run(bundleVerify, file('\u001b[31mx.zip'));
    expect(stdout).not.toContain('\u001b');
  });
});

describe('bundle build', () => {
  it('writes a verified bundle, whole, and leaves nothing beside it', async () => {
    const bundle = await fixture.bundle(100, 900);
    const url = await listen((_, response) => response.end(bundle.bytes));
    writeFileSync(file('token'), 'secret-token\n');
    const { code, stdout } = await run(
      bundleBuild,
      '--window',
      '24h',
      '--output',
      file('out.zip'),
      '--url',
      url,
      '--token-file',
      file('token'),
      '--json',
    );
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual({
      file: file('out.zip'),
      bytes: bundle.bytes.length,
      sha256: bundle.sha256,
      from: bundle.window.from,
      to: bundle.window.to,
      entries: 8,
      verdict: 'OK_UNANCHORED',
    });
    expect(Buffer.compare(readFileSync(file('out.zip')), bundle.bytes)).toBe(0);
    expect(readdirSync(dir).toSorted()).toEqual(['out.zip', 'token']);
    expect(seen[0].url).toBe('/bundles?window=24h');
    expect(seen[0].headers.authorization).toBe('Bearer secret-token');
  });

  it('asks with from and to', async () => {
    const bundle = await fixture.bundle(100, 900);
    const url = await listen((_, response) => response.end(bundle.bytes));
    await run(
      bundleBuild,
      '--from',
      '2026-01-02T03:04:05+01:00',
      '--to',
      '2026-01-02T04:04:05Z',
      '--output',
      file('out.zip'),
      '--url',
      `${url}/base`,
    );
    expect(seen[0].url).toBe('/base/bundles?from=2026-01-02T03%3A04%3A05%2B01%3A00&to=2026-01-02T04%3A04%3A05Z');
  });

  it('does not replace a file unless told to', async () => {
    const bundle = await fixture.bundle(100, 900);
    const url = await listen((_, response) => response.end(bundle.bytes));
    writeFileSync(file('out.zip'), 'precious');
    expect(await run(bundleBuild, '--window', '1h', '--output', file('out.zip'), '--url', url)).toMatchObject({ code: 73 });
    expect(seen).toEqual([]);
    expect(readFileSync(file('out.zip'), 'utf8')).toBe('precious');
    expect(await run(bundleBuild, '--window', '1h', '--output', file('out.zip'), '--url', url, '--force')).toMatchObject({ code: 0 });
    expect(readFileSync(file('out.zip')).length).toBe(bundle.bytes.length);
  });

  it('keeps nothing of an answer that does not verify, is too long, or stops early', async () => {
    const bundle = await fixture.bundle(100, 900);
    const broken = Uint8Array.from(bundle.bytes);
    broken[500] ^= 1;
    const answers: ((response: ServerResponse) => void)[] = [
      (response) => response.end(broken),
      (response) => response.end('hello'),
      (response) => response.end(Buffer.alloc(5_000_001)),
      (response) => (
        response.writeHead(200, { 'content-length': bundle.bytes.length }),
        response.write(bundle.bytes.subarray(0, 1000), () => response.destroy())
      ),
      (response) => response.writeHead(302, { location: '/elsewhere' }).end(),
    ];
    let next = 0;
    const url = await listen((_, response) => answers[next](response));
    for (; next < answers.length; next++) {
      const { code, stderr } = await run(bundleBuild, '--window', '1h', '--output', file('out.zip'), '--url', url);
      expect(code).toBeGreaterThanOrEqual(69);
      expect(stderr).not.toBe('');
      expect(readdirSync(dir)).toEqual([]);
    }
  });

  it('passes on why the sidecar refuses, and that there is none', async () => {
    const problem = JSON.stringify({ title: 'too large', detail: 'the window holds\u001b[2J 9 entries' });
    const url = await listen((_, response) => response.writeHead(413, { 'content-type': 'application/problem+json' }).end(problem));
    const refused = await run(bundleBuild, '--window', '1h', '--output', file('out.zip'), '--url', url);
    expect(refused).toMatchObject({ code: 76, stderr: expect.stringContaining('(413): the window holds\\x1b[2J 9 entries') as string });
    const absent = await run(bundleBuild, '--window', '1h', '--output', file('out.zip'), '--url', 'http://127.0.0.1:1');
    expect(absent).toMatchObject({ code: 69, stderr: expect.stringContaining('is "pproofs serve" running') as string });
  });

  it('lists every fault of the command line before it asks', async () => {
    await expect(run(bundleBuild, '--window', 'x', '--url', 'ftp://x')).rejects.toThrow(
      /"x" is neither.*--output is needed.*--url is "ftp/s,
    );
  });
});
