import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { spawn } from 'node:child_process';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { runProgram } from '../support/run-program.ts';
import { startSidecar, type Sidecar } from '../support/sidecar.ts';

/** Several processes start here one after the other, on machines that may be busy. */
const SLOW_MS = 90_000;

let dir: string;
let dataDir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'proofs-cli-sidecar-'));
  dataDir = join(dir, 'data');
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

/** Lines as a real host mixes them: line ends, bytes that are no UTF-8, hostile text, continuation lines, an unfinished last line. */
function mixedLog(lines: number): { bytes: Buffer; originals: Buffer[] } {
  const originals = Array.from({ length: lines }, (_, at) => {
    const head = `Dec 10 ${String(Math.floor(at / 3600) % 24).padStart(2, '0')}:${String(Math.floor(at / 60) % 60).padStart(2, '0')}:${String(at % 60).padStart(2, '0')} h sshd[${at}]: `;
    if (at % 97 === 0) return Buffer.concat([Buffer.from(head), Buffer.from([0xc3, 0x28, 0xff])]);
    if (at % 89 === 0) return Buffer.from(`${head}\x1b[2J <script> "quoted" \\ \u2028 \ufeff 😀`);
    if (at % 83 === 0) return Buffer.from('\tat some.stack.Trace(Line.java:1)\rwith a carriage return');
    if (at % 79 === 0) return Buffer.alloc(0);
    return Buffer.from(`${head}Failed password for root from 203.0.113.${at % 250} port ${at} ssh2 `);
  });
  const bytes = Buffer.concat(
    originals.flatMap((line, at) => (at === lines - 1 ? [line] : [line, Buffer.from(at % 2 === 0 ? '\r\n' : '\n')])),
  );
  return { bytes, originals };
}

interface Line {
  type: string;
  payload: { attributes: { line?: string; lineBase64?: string; lineNumber: number } };
}

async function storedLines(): Promise<{ number: number; bytes: Buffer }[]> {
  const { code, out } = await runProgram(['log', 'cat', '--data-dir', dataDir, '--type', 'event', '--json']).result;
  expect(code).toBe(0);
  return out
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const { line: text, lineBase64, lineNumber } = (JSON.parse(line) as Line).payload.attributes;
      return { number: lineNumber, bytes: text === undefined ? Buffer.from(lineBase64 ?? '', 'base64') : Buffer.from(text) };
    });
}

function expectWhole(stored: readonly { number: number; bytes: Buffer }[], originals: readonly Buffer[]): void {
  expect(stored.map((line) => line.number)).toEqual(originals.map((_, at) => at + 1));
  expect(
    Buffer.concat(stored.map((line) => Buffer.concat([line.bytes, Buffer.from('\n')]))).equals(
      Buffer.concat(originals.flatMap((line) => [line, Buffer.from('\n')])),
    ),
  ).toBe(true);
}

test('a mixed log comes back from the ledger byte for byte, each line once and in order', { timeout: SLOW_MS }, async () => {
  await using sidecar = await startSidecar({ dataDir });
  const { bytes, originals } = mixedLog(3000);
  const log = join(dir, 'auth.log');
  writeFileSync(log, bytes);
  const first = await runProgram(['import', log, '--url', sidecar.url, '--format', 'syslog']).result;
  expect(first).toMatchObject({ code: 0, err: '' });
  expect(first.out).toContain('3,000 lines stored');
  const again = await runProgram(['import', log, '--url', sidecar.url, '--format', 'syslog', '--json']).result;
  expect(JSON.parse(again.out)).toMatchObject({ complete: true, files: [{ stored: 0, alreadyPresent: 3000, presentOtherwise: 0 }] });
  expect(await end(sidecar, 'SIGTERM')).toBe(0);
  expectWhole(await storedLines(), originals);
});

test(
  'import and sidecar killed in the middle: the same command again completes the file, nothing twice',
  { timeout: SLOW_MS },
  async () => {
    const { bytes, originals } = mixedLog(2000);
    const log = join(dir, 'auth.log');
    writeFileSync(log, bytes);
    const args = (url: string): string[] => ['import', log, '--url', url, '--format', 'syslog', '--batch', '20'];
    for (let kill = 0; kill < 2; kill++) {
      await using sidecar = await startSidecar({ dataDir });
      const run = runProgram(args(sidecar.url));
      // Some batches are there as soon as entries can be counted; then both die without a word.
      const enough = 15 + 700 * kill;
      for (let turn = 0; turn < 2000; turn++) {
        const { size } = (await (await fetch(`${sidecar.url}/ledger/status`)).json()) as { size: number };
        if (size > enough) break;
      }
      if (kill % 2 === 0) run.child.kill('SIGKILL');
      await end(sidecar, 'SIGKILL');
      run.child.kill('SIGKILL');
      await run.result;
    }
    await using sidecar = await startSidecar({ dataDir });
    const { code, out } = await runProgram(args(sidecar.url)).result;
    expect(code).toBe(0);
    expect(out).toContain('already present');
    await end(sidecar, 'SIGTERM');
    expectWhole(await storedLines(), originals);
  },
);

test('Ctrl-C stops after a whole batch with exit code 130, and the next run goes on', { timeout: SLOW_MS }, async () => {
  await using sidecar = await startSidecar({ dataDir });
  const { bytes, originals } = mixedLog(3000);
  const log = join(dir, 'auth.log');
  writeFileSync(log, bytes);
  const args = ['import', log, '--url', sidecar.url, '--format', 'syslog', '--batch', '10'];
  const run = runProgram(args);
  for (let turn = 0; turn < 2000; turn++) {
    const { size } = (await (await fetch(`${sidecar.url}/ledger/status`)).json()) as { size: number };
    if (size > 50) break;
  }
  run.child.kill('SIGINT');
  const stopped = await run.result;
  expect(stopped.code).toBe(130);
  expect(stopped.err).toContain('run the same command again to go on');
  expect((await runProgram(args).result).code).toBe(0);
  await end(sidecar, 'SIGTERM');
  expectWhole(await storedLines(), originals);
});

test('faulty NDJSON is refused by the sidecar with the line numbers of the file', { timeout: SLOW_MS }, async () => {
  await using sidecar = await startSidecar({ dataDir });
  const log = join(dir, 'app.ndjson');
  writeFileSync(
    log,
    '{"level":30,"time":1531171074631,"msg":"one"}\n\n{"level":"loud","message":"two"}\n{"message":3}\n{"message":"four"\n',
  );
  const { code, out } = await runProgram(['import', log, '--url', sidecar.url]).result;
  expect(code).toBe(65);
  expect(out).toContain('0 lines stored, then refused after line 0 (ndjson)');
  for (const line of [3, 4, 5]) expect(out).toMatch(new RegExp(`^ {2}line ${line}[:,]`, 'm'));
  await end(sidecar, 'SIGTERM');
  expect(await storedLines()).toEqual([]);
});

test('without a sidecar the connection is tried again until Ctrl-C', async () => {
  const log = join(dir, 'a.log');
  writeFileSync(log, 'hello\n');
  const run = runProgram(['import', log, '--url', await closedAddress()]);
  await new Promise<void>((resolve) => run.child.stderr?.once('data', () => resolve()));
  run.child.kill('SIGINT');
  const { code, err } = await run.result;
  expect(code).toBe(130);
  expect(err).toContain('trying again in');
});

test('an address that can never answer is refused at once', async () => {
  const log = join(dir, 'a.log');
  writeFileSync(log, 'hello\n');
  // Port 9 is on the list of ports that fetch never opens.
  expect(await runProgram(['import', log, '--url', 'http://127.0.0.1:9']).result).toMatchObject({
    code: 69,
    err: 'pproofs import: bad port\n',
  });
});

/** An address of this machine where nobody listens any more. */
async function closedAddress(): Promise<string> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return `http://127.0.0.1:${port}`;
}

test('a reader that leaves early ends log cat quietly', { timeout: SLOW_MS }, async () => {
  await using sidecar = await startSidecar({ dataDir });
  const log = join(dir, 'auth.log');
  writeFileSync(log, mixedLog(3000).bytes);
  expect((await runProgram(['import', log, '--url', sidecar.url, '--format', 'syslog']).result).code).toBe(0);
  const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
  const shell = spawn('bash', ['-c', 'set -o pipefail; "$0" "$1" log cat --data-dir "$2" | head -n 3', process.execPath, main, dataDir], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const texts = { out: '', err: '' };
  shell.stdout.setEncoding('utf8').on('data', (chunk: string) => (texts.out += chunk));
  shell.stderr.setEncoding('utf8').on('data', (chunk: string) => (texts.err += chunk));
  const code = await new Promise((resolve) => shell.once('close', resolve));
  expect({ code, err: texts.err, lines: texts.out.split('\n').length - 1 }).toEqual({ code: 0, err: '', lines: 3 });
});

/** Exit code, or 128 + signal number. */
function end(sidecar: Sidecar, signal: NodeJS.Signals): Promise<number> {
  sidecar.kill(signal);
  return sidecar.exited;
}
