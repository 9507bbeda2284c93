import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { importCommand } from '../../src/cli/import.ts';
import { UsageError } from '../../src/cli/command.ts';
import { captureIo, type CapturedIo, type CapturedIoOptions } from '../support/cli-io.ts';
import { startScriptedSidecar, type ScriptedSidecar } from '../support/scripted-sidecar.ts';

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'proofs-cli-import-'));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

function file(name: string, content: string | Buffer): string {
  const path = join(dir, name);
  writeFileSync(path, content);
  return path;
}

function sshLines(count: number): string {
  return Array.from(
    { length: count },
    (_, at) =>
      `Dec 10 06:${String(Math.floor(at / 60) % 60).padStart(2, '0')}:${String(at % 60).padStart(2, '0')} LabSZ sshd[${at}]: Failed password for root\n`,
  ).join('');
}

async function run(
  sidecar: ScriptedSidecar,
  args: readonly string[],
  options: CapturedIoOptions = {},
  prepare?: (io: CapturedIo) => void,
): Promise<{ code: number; out: string; err: string }> {
  const io = captureIo(options);
  prepare?.(io);
  const code = await importCommand.run([...args, '--url', sidecar.url], io);
  return { code, out: io.out(), err: io.err() };
}

interface Stored {
  attributes: { line: string; lineNumber: number; file?: string };
  time?: string;
}

function originalLines(sidecar: ScriptedSidecar): string[] {
  return sidecar.stored.map((line) => (JSON.parse(line) as Stored).attributes.line);
}

describe('what is sent', () => {
  test('every line once, in batches, as NDJSON with a key each', async () => {
    await using sidecar = await startScriptedSidecar();
    const text = sshLines(25);
    const { code, out, err } = await run(sidecar, [
      file('auth.log', text),
      '--batch',
      '10',
      '--year',
      '2024',
      '--tz',
      'Europe/Berlin',
      '--tenant',
      'acme',
    ]);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toContain('auth.log: 25 lines stored (syslog)\n  entries 1 to 25\n');
    expect(
      originalLines(sidecar)
        .map((line) => `${line}\n`)
        .join(''),
    ).toBe(text);
    expect(sidecar.requests.map((request) => request.path)).toEqual(['/events', '/events', '/events']);
    expect(new Set(sidecar.requests.map((request) => request.headers['idempotency-key'])).size).toBe(3);
    expect(sidecar.requests[0].headers['content-type']).toBe('application/x-ndjson');
    expect(sidecar.requests[0].headers.authorization).toBeUndefined();
    expect(JSON.parse(sidecar.stored[0])).toMatchObject({
      time: '2024-12-10T06:00:00+01:00',
      tenant: 'acme',
      source: 'sshd',
      attributes: { file: 'auth.log', timeInferred: ['year', 'zone'] },
    });
  });

  test('NDJSON lines go unchanged, without empty lines and carriage returns', async () => {
    await using sidecar = await startScriptedSidecar();
    const lines = ['{"level":30,"time":1531171074631,"msg":"hello","n":12345678901234567890}', '{ "message" : "caf\\u00e9" }'];
    const { code } = await run(sidecar, [file('app.ndjson', `${lines[0]}\r\n\r\n   \n${lines[1]}`)]);
    expect(code).toBe(0);
    expect(sidecar.stored).toEqual(lines);
  });

  test('standard input is read to its end', async () => {
    await using sidecar = await startScriptedSidecar();
    const { code, out } = await run(sidecar, ['-'], { stdin: sshLines(3) });
    expect(code).toBe(0);
    expect(out).toContain('standard input: 3 lines stored');
    expect((JSON.parse(sidecar.stored[2]) as Stored).attributes).toMatchObject({ lineNumber: 3 });
    expect((JSON.parse(sidecar.stored[2]) as Stored).attributes.file).toBeUndefined();
  });

  test('the token goes with every request', async () => {
    await using sidecar = await startScriptedSidecar();
    await run(sidecar, [file('a.log', sshLines(2)), '--token-file', file('token', 'secret-token\n')]);
    expect(sidecar.requests[0].headers.authorization).toBe('Bearer secret-token');
  });

  test('--dry-run sends nothing and says what it would', async () => {
    await using sidecar = await startScriptedSidecar();
    const { code, out } = await run(sidecar, [file('a.log', sshLines(2)), '--dry-run']);
    expect(code).toBe(0);
    expect(out).toMatch(/^\S+a\.log: 2 lines would be sent \(syslog, year \d{4} inferred\)\n$/);
    expect(sidecar.requests).toEqual([]);
  });

  test('--dry-run judges the lines as the sidecar would', async () => {
    await using sidecar = await startScriptedSidecar();
    const { code, out } = await run(sidecar, [file('bad.ndjson', '{"message":"1"}\n\n{"message":2}\n'), '--dry-run']);
    expect(code).toBe(65);
    expect(out).toMatch(/refused after line 0.*\n.*these lines would be refused\n {2}line 3, message: /);
    expect(sidecar.requests).toEqual([]);
  });

  test('--json gives the report', async () => {
    await using sidecar = await startScriptedSidecar();
    const path = file('a.log', sshLines(12));
    const { out } = await run(sidecar, [path, '--json', '--batch', '5', '--year', '2024']);
    expect(JSON.parse(out)).toEqual({
      dryRun: false,
      complete: true,
      files: [
        {
          file: path,
          format: 'syslog',
          stored: 12,
          notSent: 0,
          alreadyPresent: 0,
          presentOtherwise: 0,
          lastLine: 12,
          first: 1,
          last: 12,
          checkpoint: 'note 12',
          end: 'complete',
        },
      ],
    });
  });
});

describe('running it again', () => {
  test('stores nothing twice, from another place too', async () => {
    await using sidecar = await startScriptedSidecar();
    await run(sidecar, [file('one.log', sshLines(25)), '--batch', '10']);
    const again = await run(sidecar, [file('one.log', sshLines(25)), '--batch', '10']);
    expect(again.out).toContain('0 lines stored');
    expect(again.out).toContain('25 lines already present');
    const renamed = await run(sidecar, [file('two.log', sshLines(25)), '--batch', '10']);
    expect(renamed.code).toBe(0);
    expect(renamed.out).toContain('of these 25 lines imported before under another file name');
    expect(sidecar.stored).toHaveLength(25);
  });

  test('a file that differs in one earlier line is another file', async () => {
    await using sidecar = await startScriptedSidecar();
    const text = sshLines(25);
    await run(sidecar, [file('one.log', text), '--batch', '10']);
    const { out } = await run(sidecar, [file('two.log', text.replace('sshd[12]', 'sshd[13]')), '--batch', '10']);
    expect(out).toContain('15 lines stored');
    expect(out).toContain('10 lines already present');
  });

  test.each([
    ['--tenant', 'x'],
    ['--tz', '+01:00'],
    ['--year', '2020'],
    ['--source', 's'],
    ['--batch', '9'],
    ['--run', 'second'],
    ['--again'],
  ])('%s imports anew', async (...option) => {
    await using sidecar = await startScriptedSidecar();
    const path = file('one.log', sshLines(12));
    await run(sidecar, [path]);
    const { code } = await run(sidecar, [path, ...option]);
    expect(code).toBe(0);
    expect(sidecar.stored).toHaveLength(24);
  });

  test('after an interruption goes on where it stopped', async () => {
    await using sidecar = await startScriptedSidecar();
    const path = file('one.log', sshLines(50));
    const stopped = await run(sidecar, [path, '--batch', '10'], {}, (io) => {
      sidecar.trouble = (_, number) => {
        if (number === 2) io.controller.abort();
        return undefined;
      };
    });
    expect(stopped.code).toBe(130);
    expect(stopped.out).toContain('20 lines stored, then interrupted after line 20');
    expect(stopped.err).toBe('stopped after a whole batch; run the same command again to go on\n');
    sidecar.trouble = () => undefined;
    const { code, out } = await run(sidecar, [path, '--batch', '10']);
    expect(code).toBe(0);
    expect(out).toContain('30 lines stored');
    expect(out).toContain('20 lines already present');
    expect(
      originalLines(sidecar)
        .map((line) => `${line}\n`)
        .join(''),
    ).toBe(sshLines(50));
  });

  test('--again says how an interrupted run goes on, and so it does', async () => {
    await using sidecar = await startScriptedSidecar();
    const path = file('one.log', sshLines(30));
    const stopped = await run(sidecar, [path, '--batch', '10', '--again'], {}, (io) => {
      sidecar.trouble = () => {
        io.controller.abort();
        return undefined;
      };
    });
    const id = /this import is run "([0-9a-f]{16})"/.exec(stopped.err)?.[1] ?? '';
    expect(stopped.err).toContain(`run the same command again (with --run ${id})`);
    sidecar.trouble = () => undefined;
    const { out } = await run(sidecar, [path, '--batch', '10', '--run', id]);
    expect(out).toContain('10 lines already present');
    expect(sidecar.stored).toHaveLength(30);
  });
});

describe('when the sidecar has trouble', () => {
  test('overload, errors and lost answers are retried with the same key, and land once', async () => {
    await using sidecar = await startScriptedSidecar();
    sidecar.trouble = (_, number) =>
      number === 1
        ? { status: 503, headers: { 'retry-after': '0' } }
        : number === 2
          ? { status: 500 }
          : number === 3
            ? 'cut'
            : number === 4
              ? 'cut-after-storing'
              : undefined;
    const { code, out, err } = await run(sidecar, [file('a.log', sshLines(3))]);
    expect(code).toBe(0);
    expect(out).toContain('3 lines already present');
    expect(err.match(/trying again in/g)).toHaveLength(4);
    expect(err).toContain('status 503; trying again in 0.0 s');
    expect(new Set(sidecar.requests.map((request) => request.headers['idempotency-key'])).size).toBe(1);
    expect(sidecar.stored).toHaveLength(3);
  });

  test('an interruption ends the waiting', async () => {
    await using sidecar = await startScriptedSidecar();
    const { code } = await run(sidecar, [file('a.log', sshLines(3))], {}, (io) => {
      sidecar.trouble = () => {
        setImmediate(() => io.controller.abort());
        return { status: 503, headers: { 'retry-after': '3600' } };
      };
    });
    expect(code).toBe(130);
    expect(sidecar.requests).toHaveLength(1);
  });

  test('gives up after a bounded number of refusals', async () => {
    await using sidecar = await startScriptedSidecar();
    sidecar.trouble = () => ({ status: 503, headers: { 'retry-after': '0' }, body: { detail: 'the queue is full' } });
    const { code, err } = await run(sidecar, [file('a.log', sshLines(3))]);
    expect(code).toBe(69);
    expect(err).toMatch(/no sidecar takes events at http:\S+ \(status 503: the queue is full\); is "pproofs serve" running there\?\n$/);
    expect(sidecar.requests).toHaveLength(12);
  });

  test.each([
    [507, {}, 69, "the sidecar's disk is full: nothing of this batch is stored"],
    [401, { detail: 'a token is needed' }, 77, 'refuses the request (401): a token is needed; give --token-file'],
    [302, {}, 70, 'answered 302: that is no sidecar'],
    [200, { hello: 'world' }, 70, 'answered 200 without counters: that is no sidecar'],
    [404, {}, 70, 'answered 404: that is no sidecar'],
  ])('status %i is not retried', async (status, body, exit, message) => {
    await using sidecar = await startScriptedSidecar();
    sidecar.trouble = () => ({ status, body, headers: { location: '/elsewhere' } });
    const { code, err } = await run(sidecar, [file('a.log', sshLines(3))]);
    expect(code).toBe(exit);
    expect(err).toContain(message);
    expect(sidecar.requests).toHaveLength(1);
  });

  test('refused lines are reported with their line numbers in the file, and nothing after them is sent', async () => {
    await using sidecar = await startScriptedSidecar();
    sidecar.trouble = (_, number) =>
      number === 2
        ? {
            status: 400,
            body: {
              detail: '2 faults',
              faultsTotal: 60,
              faults: [
                { line: 1, field: 'level', reason: 'unknown level "\x1b[2J"' },
                { line: 2, field: '', reason: 'not JSON' },
              ],
            },
          }
        : undefined;
    const { code, out } = await run(sidecar, [
      file('a.ndjson', '{"message":"1"}\n\n{"message":"2"}\n\n\n{"message":"3","level":"x"}\n{\n{"message":"5"}\n'),
      '--batch',
      '2',
    ]);
    expect(code).toBe(65);
    expect(out).toContain('2 lines stored, then refused after line 3 (ndjson)');
    expect(out).toContain('  line 6, level: unknown level "\\x1b[2J"\n  line 7: not JSON\n  and 58 faults more\n');
    expect(out).toContain('nothing after line 3 is stored');
    expect(sidecar.requests).toHaveLength(2);
  });
});

describe('wrong input', () => {
  test('every fault of the command line is named at once', async () => {
    await using sidecar = await startScriptedSidecar();
    const wrong = run(sidecar, ['--format', 'xml', '--tz', 'Mars', '--year', '12', '--batch', '0', '--again', '--run', 'x']);
    await expect(wrong).rejects.toThrow(UsageError);
    await expect(wrong).rejects.toThrow(/at least one file.*--format is "xml".*--tz is "Mars".*--year is "12".*--batch is "0".*--again/);
    await expect(importCommand.run(['x', '--url', 'ftp://x'], captureIo())).rejects.toThrow('--url is "ftp://x"');
    await expect(run(sidecar, ['x', '--token-file', join(dir, 'none')])).rejects.toThrow('cannot be read');
    await expect(run(sidecar, ['x', '--token-file', file('bad-token', 'two words\n')])).rejects.toThrow('does not hold a bearer token');
  });

  test.each([
    ['gzip', Buffer.from([0x1f, 0x8b, 8, 0]), 65, 'is compressed with gzip; run: gunzip -c FILE | pproofs import -'],
    ['utf-16', Buffer.from('\ufeffabc', 'utf16le'), 65, 'is UTF-16'],
    ['a JSON line beyond all bounds', Buffer.from(`{"message":"${'x'.repeat(1_100_000)}"}\n`), 65, 'line 1 is longer than 1048576 bytes'],
  ])('%s is refused with advice', async (_, content, exit, message) => {
    await using sidecar = await startScriptedSidecar();
    const { code, err } = await run(sidecar, [file('odd', content), '--format', content.length > 1000 ? 'ndjson' : 'auto']);
    expect(code).toBe(exit);
    expect(err).toContain(message);
  });

  test('a missing file and a folder are named, and the files before them are stored', async () => {
    await using sidecar = await startScriptedSidecar();
    const { code, err, out } = await run(sidecar, [file('a.log', sshLines(3)), join(dir, 'missing.log'), file('b.log', sshLines(4))]);
    expect(code).toBe(66);
    expect(err).toContain('missing.log" cannot be read: there is no such file');
    expect(out).toContain('3 lines stored');
    expect(sidecar.stored).toHaveLength(3);
    expect((await run(sidecar, [dir])).err).toContain('is a directory');
  });

  test('JSON events cannot be given a tenant, since they are sent unchanged', async () => {
    await using sidecar = await startScriptedSidecar();
    const { code, err } = await run(sidecar, [file('a.ndjson', '{"message":"1"}\n'), '--tenant', 'x', '--source', 'y']);
    expect(code).toBe(65);
    expect(err).toContain('--tenant and --source cannot be used with ndjson');
  });

  test('an empty file is nothing to send', async () => {
    await using sidecar = await startScriptedSidecar();
    expect(await run(sidecar, [file('empty.log', '')])).toMatchObject({
      code: 0,
      out: expect.stringContaining('0 lines stored') as string,
    });
    expect(sidecar.requests).toEqual([]);
  });
});

test('on a terminal a progress bar is drawn on stderr and removed at the end', async () => {
  await using sidecar = await startScriptedSidecar();
  const { err } = await run(sidecar, [file('a.log', sshLines(40)), '--batch', '1'], { isTerminal: true });
  expect(err).toMatch(/^\r\x1b\[K.*a\.log {2}\[#/s);
  expect(err).toMatch(/\d+ %.*lines\/s/);
  expect(err.endsWith('\r\x1b[K')).toBe(true);
});
