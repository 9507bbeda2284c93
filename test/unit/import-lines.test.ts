import { Buffer, isUtf8 } from 'node:buffer';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { canonicalJson } from '../../src/kernel/canonical-json.ts';
import { PAYLOAD_BYTES_MAX } from '../../src/kernel/leaf.ts';
import { createTimeResolver } from '../../src/import/resolve-time.ts';
import { LINE_PART_BYTES_MAX, splitLines, type RawLine } from '../../src/import/split-lines.ts';
import { parseTimeZone } from '../../src/import/time-zone.ts';
import { createEventWriter, type EventContext } from '../../src/import/to-event.ts';
import { testSeed } from '../support/seed.ts';

const UTC = parseTimeZone('UTC');
if (UTC === undefined) throw new Error('UTC is a zone');
const context: EventContext = { format: 'syslog', fileName: 'auth.log', resolveTime: createTimeResolver(2024, UTC) };

async function* chunked(bytes: Buffer, sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  let at = 0;
  for (let turn = 0; at < bytes.length; turn++) {
    const size = sizes[turn % sizes.length];
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

async function split(bytes: Buffer, sizes: readonly number[] = [65_536], partBytesMax?: number): Promise<RawLine[]> {
  const lines: RawLine[] = [];
  for await (const line of splitLines(chunked(bytes, sizes), partBytesMax)) lines.push(line);
  return lines;
}

/** Slow and obvious: what a line is. */
function referenceLines(bytes: Buffer): string[] {
  const lines = bytes.toString('latin1').split('\n');
  if (lines.at(-1) === '') lines.pop();
  const isTerminated = bytes.at(-1) === 0x0a;
  return lines.map((line, at) => (line.endsWith('\r') && (at < lines.length - 1 || isTerminated) ? line.slice(0, -1) : line));
}

describe('splitting into lines', () => {
  test('\\n and \\r\\n end a line, a lone \\r does not, and the last line needs no end', async () => {
    const lines = await split(Buffer.from('a\r\nb\rc\n\n\r\nd\r'));
    expect(lines.map((line) => line.bytes.toString())).toEqual(['a', 'b\rc', '', '', 'd\r']);
    expect(lines.map((line) => line.number)).toEqual([1, 2, 3, 4, 5]);
    expect(lines.map((line) => line.endOffset)).toEqual([3, 7, 8, 10, 12]);
  });

  test('an empty input has no line', async () => {
    expect(await split(Buffer.alloc(0))).toEqual([]);
  });

  test('however the input is cut into chunks, the lines are the same; parts join to the line', async () => {
    const bytes = fc
      .array(fc.constantFrom(0x0a, 0x0d, 0x61, 0x62, 0xc3, 0xa4, 0xf0, 0x9f, 0x98, 0x80), { maxLength: 80 })
      .map((list) => Buffer.from(list));
    const sizes = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(bytes, sizes, fc.integer({ min: 4, max: 12 }), async (input, chunkSizes, partMax) => {
        const lines = await split(input, chunkSizes, partMax);
        const whole = await split(input, [1000], partMax);
        expect(lines).toEqual(whole);
        const joined = new Map<number, string>();
        for (const line of lines) {
          expect(line.bytes.length).toBeLessThanOrEqual(partMax + 1);
          joined.set(line.number, (joined.get(line.number) ?? '') + line.bytes.toString('latin1'));
        }
        expect([...joined.values()]).toEqual(referenceLines(input));
        expect(lines.at(-1)?.endOffset ?? 0).toBe(input.length);
      }),
      { seed: testSeed(), numRuns: 500 },
    );
  });

  test('a cut never splits a character of valid text', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary', maxLength: 60 }), fc.integer({ min: 4, max: 10 }), async (text, partMax) => {
        const lines = await split(Buffer.from(text), [7], partMax);
        for (const line of lines) expect(isUtf8(line.bytes)).toBe(true);
      }),
      { seed: testSeed(), numRuns: 500 },
    );
  });
});

interface Event {
  time?: string;
  level?: string;
  message: string;
  source?: string;
  attributes: Record<string, unknown> & { line?: string; lineBase64?: string; lineNumber: number };
}

function toEvents(lines: readonly RawLine[], overrides: Partial<EventContext> = {}): Event[] {
  const write = createEventWriter({ ...context, ...overrides });
  return lines.map((line) => JSON.parse(write(line)) as Event);
}

describe('lines to events', () => {
  test('the original line, its number, file, host, pid and what was inferred stand in the attributes', async () => {
    const text = 'Dec 10 06:55:46 LabSZ sshd[24200]: Failed password for root from 1.2.3.4 port 1 ssh2 ';
    const [event] = toEvents(await split(Buffer.from(`${text}\r\n`)));
    expect(event).toEqual({
      time: '2024-12-10T06:55:46Z',
      level: 'warn',
      message: 'Failed password for root from 1.2.3.4 port 1 ssh2 ',
      source: 'sshd',
      attributes: {
        host: 'LabSZ',
        pid: '24200',
        line: text,
        lineNumber: 1,
        file: 'auth.log',
        format: 'syslog',
        levelInferred: true,
        timeInferred: ['year', 'zone'],
      },
    });
  });

  test('a level that the log gives is not replaced by a guess', async () => {
    const [event] = toEvents(await split(Buffer.from('<38>Dec 10 06:55:46 h sshd[1]: Failed password for root\n')));
    expect(event.level).toBe('info');
    expect(event.attributes.levelInferred).toBeUndefined();
  });

  test('a line that is not in the format is kept as plain text at the time of the line before', async () => {
    const events = toEvents(await split(Buffer.from('Dec 10 06:55:46 h app: boom\n\tat x.y(z)\n')));
    expect(events[1]).toEqual({
      time: '2024-12-10T06:55:46Z',
      message: '\tat x.y(z)',
      attributes: { line: '\tat x.y(z)', lineNumber: 2, file: 'auth.log', format: 'plain', timeInferred: ['previous-line'] },
    });
  });

  test('a line that is not UTF-8 keeps its bytes as base64 and shows a replaced message', async () => {
    const bytes = Buffer.concat([Buffer.from('Dec 10 06:55:46 h app: caf'), Buffer.from([0xe9, 0xff])]);
    const [event] = toEvents(await split(bytes));
    expect(event.message).toBe('caf\ufffd\ufffd');
    expect(event.attributes.line).toBeUndefined();
    expect(Buffer.from(event.attributes.lineBase64 ?? '', 'base64')).toEqual(bytes);
  });

  test('a byte order mark stays in the original line and out of the message', async () => {
    const [event] = toEvents(await split(Buffer.from('\ufeffDec 10 06:55:46 h app: x\n')));
    expect(event).toMatchObject({ source: 'app', message: 'x', attributes: { line: '\ufeffDec 10 06:55:46 h app: x' } });
  });

  test('--source replaces the program, which stays visible', async () => {
    const [event] = toEvents(await split(Buffer.from('Dec 10 06:55:46 h sshd[1]: x\n')), { source: 'bastion', tenant: 'acme' });
    expect(event).toMatchObject({ source: 'bastion', tenant: 'acme', attributes: { program: 'sshd' } });
  });

  test('a long line becomes parts that join to it, at its time and from its program', async () => {
    const text = `Dec 10 06:55:46 h app: ${'ä€😀'.repeat(3000)}`;
    const events = toEvents(await split(Buffer.from(text)));
    expect(events.length).toBeGreaterThan(3);
    expect(events.map((event) => event.attributes.line).join('')).toBe(text);
    expect(events.map((event) => event.attributes.part)).toEqual(events.map((_, at) => at + 1));
    expect(events.map((event) => event.attributes.lastPart)).toEqual(events.map((_, at) => (at === events.length - 1 ? true : undefined)));
    expect(new Set(events.map((event) => `${event.time} ${event.source} ${event.attributes.lineNumber}`)).size).toBe(1);
    expect(events[0].attributes.messageCut).toBe(true);
  });

  test('any bytes, in any format, give events that fit into an entry and hold every byte of the line', async () => {
    const heads = fc.constantFrom(
      '',
      'Dec 10 06:55:46 h ',
      '<1>1 - \x01 \x02 - - [a@1 b="',
      '1.1.1.1 - - [10/Oct/2000:13:55:36 -0700] "GET /',
      '[Sun Dec 04 04:47:44 2005] [x:error] [client ',
    );
    const tails = fc.constantFrom('', '"] x', ' HTTP/1.0" 200 1 "x" "y"', '] m');
    const unit = fc.constantFrom('\x01', '\x7f', '€', '😀', 'a b', '"', '\\', '\r', '\ufffe');
    const body = fc
      .array(fc.tuple(unit, fc.integer({ min: 1, max: 4000 })), { maxLength: 4 })
      .map((runs) => runs.map(([text, times]) => text.repeat(times)).join(''));
    const junk = fc.uint8Array({ maxLength: 6 }).map((bytes) => Buffer.from(bytes.map((byte) => (byte === 0x0a ? 0x0b : byte))));
    const formats = fc.constantFrom('syslog', 'apache', 'access', 'plain' as const);
    await fc.assert(
      fc.asyncProperty(heads, body, tails, junk, formats, async (head, text, tail, bytes, format) => {
        const line = Buffer.concat([Buffer.from(head + text + tail), bytes]);
        const events = toEvents(await split(line), { format, fileName: '\x01'.repeat(255) });
        const kept = events.map(({ attributes }) =>
          attributes.line === undefined ? Buffer.from(attributes.lineBase64 ?? '', 'base64') : Buffer.from(attributes.line),
        );
        expect(Buffer.concat(kept).equals(line)).toBe(true);
        for (const event of events)
          expect(Buffer.byteLength(canonicalJson(JSON.parse(JSON.stringify(event))))).toBeLessThanOrEqual(PAYLOAD_BYTES_MAX);
      }),
      { seed: testSeed(), numRuns: 300 },
    );
  });

  test('the worst line that is not cut still fits into an entry', async () => {
    const [event] = toEvents(await split(Buffer.from('\x01'.repeat(LINE_PART_BYTES_MAX))), { fileName: '\x01'.repeat(255) });
    expect(event.attributes.part).toBeUndefined();
    expect(Buffer.byteLength(JSON.stringify(event))).toBeLessThanOrEqual(PAYLOAD_BYTES_MAX);
  });
});
