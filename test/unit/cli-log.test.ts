import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { UsageError } from '../../src/cli/command.ts';
import { formatEntryJson, formatEntryLine, toEntryView } from '../../src/cli/entry-view.ts';
import { logCat } from '../../src/cli/log-cat.ts';
import { logGrep } from '../../src/cli/log-grep.ts';
import { logProof } from '../../src/cli/log-proof.ts';
import { logTail } from '../../src/cli/log-tail.ts';
import { formatMoment, parseMoment } from '../../src/kernel/moment.ts';
import { toSafeText } from '../../src/cli/safe-text.ts';
import { leafHash } from '../../src/kernel/hashes.ts';
import { parseLeaf } from '../../src/kernel/leaf.ts';
import { verifyInclusion } from '../../src/kernel/merkle.ts';
import { nodeHashes } from '../../src/kernel/node-hashes.ts';
import { isSignedBy, parseCheckpoint, parseVerifierKey } from '../../src/kernel/note.ts';
import { verifyEd25519 } from '../../src/kernel/ed25519.ts';
import { parseTlogProof } from '../../src/kernel/tlog-proof.ts';
import { captureIo, type CapturedIoOptions } from '../support/cli-io.ts';
import { makeLedger, START_NS, writeLedger } from '../support/make-ledger.ts';

const SECOND_NS = 1_000_000_000n;
const HOSTILE = 'evil \x1b[2J\x1b]0;title\x07 \u202etxt\r\nfake line';

/** Counters: 0 genesis, 1–4 the first request, then one event a second with level and tenant by turns. */
const made = makeLedger({
  requests: [
    {
      timeNs: START_NS + SECOND_NS,
      leaves: [
        { payload: { level: 'warn', message: 'Failed password for root', source: 'sshd', tenant: 'acme', time: '2025-12-10T06:55:46Z' } },
        { payload: { message: HOSTILE, source: '\x1b[31m', attributes: { line: 'quoted "text" here' } } },
        { payload: { level: 'error', message: 'disk (full)', time: 1_767_323_045_123 } },
        { payload: { level: 'info', message: 'calm' } },
      ],
    },
    ...Array.from({ length: 20 }, (_, at) => ({
      timeNs: START_NS + BigInt(at + 2) * SECOND_NS,
      leaves: [{ payload: { level: at % 2 === 0 ? 'debug' : 'fatal', message: `number ${at}`, tenant: at < 10 ? 'acme' : 'other' } }],
    })),
    { timeNs: START_NS + 30n * SECOND_NS, leaves: [{ type: 4, payload: { reason: 'closes bundle window' } }] },
  ],
});
const SIZE = made.leaves.length;

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'proofs-cli-log-'));
  writeLedger(made.files, dir);
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

async function run(
  command: typeof logCat,
  args: string[],
  options: CapturedIoOptions = {},
): Promise<{ code: number; out: string; err: string; lines: string[] }> {
  const io = captureIo({ env: { PROOFS_DATA_DIR: dir }, ...options });
  const code = await command.run(args, io);
  return { code, out: io.out(), err: io.err(), lines: io.out().split('\n').slice(0, -1) };
}

interface EntryLine {
  seq: number;
  type: string;
  time: string;
  timeNs: string;
  leafHash: string;
  mac: string;
  payload: { message?: string };
}

function seqs(lines: readonly string[]): number[] {
  return lines.map((line) => (JSON.parse(line) as EntryLine).seq);
}

describe('log cat', () => {
  test('prints every entry as one line, the producer’s time when it gave one', async () => {
    const { code, lines, err } = await run(logCat, []);
    expect(code).toBe(0);
    expect(err).toBe('');
    expect(lines).toHaveLength(SIZE);
    expect(lines[0]).toMatch(/^#0 {2}2026-01-02T03:04:05\.000Z {2}genesis {2}\{"epochPolicy"/);
    expect(lines[1]).toBe('#1  2025-12-10T06:55:46Z  warn   sshd [acme]  Failed password for root');
    expect(lines[3]).toBe('#3  2026-01-02T03:04:05.123Z  error  disk (full)');
  });

  test('log text never sends a control character to the terminal, with and without colours', async () => {
    for (const useColor of [false, true]) {
      const { out } = await run(logCat, [], { useColor });
      const withoutOwnColours = out.replaceAll(/\x1b\[(?:\d+(?:;\d+)*)m/g, '');
      expect(withoutOwnColours).not.toMatch(/[^\P{Cc}\n]/u);
      expect(withoutOwnColours).toContain(String.raw`evil \x1b[2J\x1b]0;title\x07 \u202etxt\r\nfake line`);
      expect(withoutOwnColours).toContain(String.raw`\x1b[31m`);
      expect(out.includes('\x1b')).toBe(useColor);
    }
  });

  test('--json gives the payload verbatim and the leaf hash', async () => {
    const { lines } = await run(logCat, ['--json']);
    for (const [at, line] of lines.entries()) {
      const entry = JSON.parse(line) as EntryLine;
      const leaf = parseLeaf(made.leaves[at]);
      expect(entry.seq).toBe(at);
      expect(entry.timeNs).toBe(String(leaf.timeNs));
      expect(entry.leafHash).toBe(Buffer.from(leafHash(nodeHashes, made.leaves[at])).toString('hex'));
      expect(line.endsWith(`"payload":${Buffer.from(leaf.payload).toString('utf8')}}`)).toBe(true);
    }
  });

  test.each([
    [
      ['--level', 'error'],
      [3, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24],
    ],
    [
      ['--tenant', 'acme', '--level', 'warn'],
      [1, 6, 8, 10, 12, 14],
    ],
    [['--text', 'QUOTED "text"'], [2]],
    [
      ['--seq', '3..5'],
      [3, 4, 5],
    ],
    [['--seq', '4'], [4]],
    [
      ['--limit', '2'],
      [0, 1],
    ],
    [['--limit', '0'], []],
    [
      ['--type', 'genesis,heartbeat'],
      [0, SIZE - 1],
    ],
    [
      ['--from', '2026-01-02T03:04:24Z', '--to', '2026-01-02T03:04:26Z'],
      [22, 23],
    ],
    [['--from', '2026-01-02T04:04:24.000000001+01:00', '--to', '2026-01-02T03:04:26Z'], [23]],
    [['--from', '1d', '--to', '2000-01-01'], []],
  ])('%j selects %j', async (args, expected) => {
    expect(seqs((await run(logCat, [...args, '--json'])).lines)).toEqual(expected);
  });

  test('leaves minute summaries out unless asked for', async () => {
    const other = mkdtempSync(join(tmpdir(), 'proofs-cli-log-'));
    try {
      const later = makeLedger({
        requests: [
          { timeNs: START_NS, leaves: [{ payload: { message: 'a' } }] },
          { timeNs: START_NS + 120n * SECOND_NS, leaves: [{ payload: { message: 'b' } }] },
        ],
      });
      writeLedger(later.files, other);
      const types = async (args: string[]): Promise<string[]> =>
        (await run(logCat, [...args, '--json', '--data-dir', other])).lines.map((line) => (JSON.parse(line) as EntryLine).type);
      expect(await types([])).toEqual(['genesis', 'event', 'event']);
      expect(await types(['--type', 'minute-summary'])).toEqual(['minute-summary']);
    } finally {
      rmSync(other, { recursive: true, force: true });
    }
  });

  test('names every fault of the command line at once', async () => {
    const wrong = run(logCat, [
      '--level',
      'loud',
      '--seq',
      '5..3',
      '--from',
      'soon',
      '--to',
      '2026-02-30',
      '--limit',
      'x',
      '--type',
      'novel',
    ]);
    await expect(wrong).rejects.toThrow(UsageError);
    await expect(wrong).rejects.toThrow(
      /--from is "soon".*--to is "2026-02-30".*--seq is "5\.\.3".*--level is "loud".*--type names "novel".*--limit is "x"/,
    );
    await expect(run(logCat, ['extra'])).rejects.toThrow('unexpected "extra"');
    await expect(run(logCat, ['--colour'])).rejects.toThrow('unknown option "--colour"');
  });

  test('a folder without a ledger is an error that says so', async () => {
    await expect(run(logCat, ['--data-dir', join(dir, 'nowhere')])).rejects.toThrow(/no ledger in/);
  });

  test('a ledger that ends before its checkpoint does not look whole', async () => {
    const other = mkdtempSync(join(tmpdir(), 'proofs-cli-log-'));
    try {
      writeLedger(made.files, other);
      const segment = join(other, 'ledger/segments/00000000000000000000.seg');
      truncateSync(segment, readFileSync(segment).length - 300);
      const { err, lines } = await run(logCat, ['--json', '--data-dir', other]);
      expect(lines.length).toBeLessThan(SIZE);
      expect(err).toContain(`the checkpoint speaks of ${SIZE}; run "pproofs log verify"`);
      writeFileSync(join(other, 'ledger/checkpoint'), 'nonsense');
      expect((await run(logCat, ['--data-dir', other])).err).toContain('the checkpoint is missing or malformed');
    } finally {
      rmSync(other, { recursive: true, force: true });
    }
  });
});

describe('log tail', () => {
  test('prints the last entries, oldest first', async () => {
    expect(seqs((await run(logTail, ['-n', '3', '--json'])).lines)).toEqual([SIZE - 3, SIZE - 2, SIZE - 1]);
    expect((await run(logTail, [])).lines).toHaveLength(20);
    expect((await run(logTail, ['-n', '0'])).lines).toEqual([]);
    expect((await run(logTail, ['-n', '1000'])).lines).toHaveLength(SIZE);
  });

  test('counts only what passes the filter', async () => {
    expect(seqs((await run(logTail, ['-n', '2', '--tenant', 'acme', '--level', 'fatal', '--json'])).lines)).toEqual([12, 14]);
  });
});

describe('log grep', () => {
  test.each([
    [['number 1\\d$'], [15, 16, 17, 18, 19, 20, 21, 22, 23, 24]],
    [['DISK \\(', '-i'], [3]],
    [['(full)', '--fixed'], [3]],
    [['text" here'], [2]],
    [['^sshd$', '--level', 'warn'], [1]],
    [['^ssh$'], []],
    [
      ['number', '--limit', '2'],
      [5, 6],
    ],
    [['--', '-x'], []],
  ])('%j finds %j', async (args, expected) => {
    const at = args.indexOf('--');
    const words = at < 0 ? [...args, '--json'] : ['--json', ...args];
    const { code, lines } = await run(logGrep, words);
    expect(seqs(lines)).toEqual(expected);
    expect(code).toBe(expected.length > 0 ? 0 : 3);
  });

  test('--count prints how many', async () => {
    expect((await run(logGrep, ['number', '-c'])).out).toBe('20\n');
    expect(await run(logGrep, ['absent', '-c', '--json'])).toMatchObject({ code: 3, out: '{"count":0}\n' });
  });

  test('marks the match, and only with colours', async () => {
    expect((await run(logGrep, ['full'], { useColor: true })).out).toContain('\x1b[1;7mfull\x1b[0m');
    expect((await run(logGrep, ['full'])).out).not.toContain('\x1b');
  });

  test('a broken expression is explained', async () => {
    await expect(run(logGrep, ['('])).rejects.toThrow(/"\(" is not a regular expression .*--fixed takes it as plain text/);
    await expect(run(logGrep, [])).rejects.toThrow('give the pattern to look for');
  });
});

describe('log proof', () => {
  test('every entry gets a text that leads from its bytes to the signed checkpoint', async () => {
    const key = parseVerifierKey(nodeHashes, made.verifierKey);
    for (let seq = 0; seq < SIZE; seq++) {
      const { code, out } = await run(logProof, ['--seq', String(seq)]);
      expect(code).toBe(0);
      const proof = parseTlogProof(out);
      const checkpoint = parseCheckpoint(proof.checkpoint);
      expect(isSignedBy(checkpoint, key, verifyEd25519)).toBe(true);
      expect(proof.index).toBe(seq);
      expect(verifyInclusion(nodeHashes, seq, checkpoint.size, leafHash(nodeHashes, made.leaves[seq]), proof.hashes, checkpoint.root)).toBe(
        true,
      );
    }
  });

  test('says which entry there is not', async () => {
    expect(await run(logProof, ['--seq', String(SIZE)])).toMatchObject({
      code: 70,
      out: '',
      err: expect.stringContaining(`its last one is ${SIZE - 1}`) as string,
    });
    await expect(run(logProof, [])).rejects.toThrow('--seq is needed');
    await expect(run(logProof, ['--seq', '-1'])).rejects.toThrow(UsageError);
  });

  test('refuses to prove anything from a ledger that does not give its checkpoint', async () => {
    const other = mkdtempSync(join(tmpdir(), 'proofs-cli-log-'));
    try {
      writeLedger(made.files, other);
      const segment = join(other, 'ledger/segments/00000000000000000000.seg');
      const bytes = readFileSync(segment);
      const at = bytes.indexOf('Failed password');
      bytes[at] ^= 1;
      writeFileSync(segment, bytes);
      expect(await run(logProof, ['--seq', '5', '--data-dir', other])).toMatchObject({
        code: 70,
        out: '',
        err: expect.stringContaining('do not give the root') as string,
      });
    } finally {
      rmSync(other, { recursive: true, force: true });
    }
  });
});

test('a payload that is not JSON is shown as what it is', () => {
  const payload = Uint8Array.of(0xff, 0x00);
  const { leaves } = makeLedger({
    requests: [
      {
        timeNs: START_NS,
        leaves: [
          { type: 200, payload },
          { type: 4, payload },
        ],
      },
    ],
  });
  const [unknown, heartbeat] = leaves.slice(1).map((leaf) => toEntryView(parseLeaf(leaf)));
  expect(formatEntryLine(unknown, false)).toContain('200    2 bytes that are not JSON');
  expect(JSON.parse(formatEntryJson(unknown))).toMatchObject({ type: '200', payloadBase64: '/wA=' });
  expect(JSON.parse(formatEntryJson(heartbeat))).toMatchObject({ type: 'heartbeat', payloadBase64: '/wA=' });
});

test('escapes are one line and reversible to the eye', () => {
  expect(toSafeText('a\tb\n\x00\x7f\x9b\u2028\u200b\ufeff\ud800 ä€😀')).toBe(
    String.raw`a\tb\n\x00\x7f\x9b\u2028\u200b\ufeff` + '\ufffd ä€😀',
  );
});

test('moments keep nine digits and refuse days that do not exist', () => {
  const moment = parseMoment('2026-01-02T03:04:05.123456789Z', 0);
  expect(moment === undefined ? undefined : formatMoment(moment)).toBe('2026-01-02T03:04:05.123456789Z');
  expect(parseMoment('90m', 5_400_000)).toBe(0n);
  for (const wrong of ['2026-02-29', '2026-13-01', '2026-01-02T25:00:00Z', '2026-01-02T03:04:05', '24', 'h', ''])
    expect(parseMoment(wrong, 0)).toBeUndefined();
});
