import { describe, expect, it } from 'vitest';
import { concat, utf8 } from '../../src/kernel/bytes.ts';
import { EMPTY_BATCH } from '../../src/kernel/event-batch.ts';
import { PAYLOAD_BYTES_MAX } from '../../src/kernel/leaf.ts';
import { parseEvents } from '../../src/ingest/parse-events.ts';
import { DEPTH_MAX, EVENTS_MAX, FAULTS_MAX, QUOTED_CHARS_MAX } from '../../src/ingest/limits.ts';
import { faultPaths, parseText } from '../support/parse-text.ts';

const A = '{"message":"a"}';
const B = '{"message":"b"}';
const BAD = '{"message":1}';

describe('onInvalid', () => {
  const body = `${A}\n${BAD}\nnonsense\n${B}\n`;

  it('reject takes nothing of a request with a fault', () => {
    const { batch, faultsTotal, rejected } = parseEvents(utf8(body), 'ndjson', { onInvalid: 'reject' });
    expect(batch).toEqual(EMPTY_BATCH);
    expect([faultsTotal, rejected]).toEqual([2, 2]);
  });

  it('skip takes the good lines in their order and tells the same faults', () => {
    const skipped = parseText(body, 'ndjson', 'skip');
    expect(skipped.payloads).toEqual([A, B]);
    expect(skipped.faults).toEqual(parseText(body, 'ndjson', 'reject').faults);
    expect(skipped.rejected).toBe(2);
  });

  it('skip takes the elements before the place where an array breaks, and says that the rest is unread', () => {
    for (const tail of [',{"message"', ',', ` ${B}`, '', ',]', `,nonsense,${B}]`]) {
      const { payloads, faults, rejected } = parseText(`[${A},${BAD},${B}${tail}`, 'json', 'skip');
      expect(payloads).toEqual([A, B]);
      expect(faults.map(({ line }) => line)).toEqual([2, expect.any(Number)]);
      expect(faults[1].reason).toMatch(/column \d+/);
      expect(rejected).toBe(2);
    }
  });

  it('skip takes the elements of an array with text behind it, but nothing of a single event', () => {
    expect(parseText(`[${A},${B}] x`, 'json', 'skip')).toMatchObject({ payloads: [A, B], faults: [{ line: 2, field: '' }], rejected: 1 });
    expect(parseText(`${A} x`, 'json', 'skip')).toMatchObject({ payloads: [], faults: [{ line: 1, field: '' }], rejected: 1 });
  });

  it('skip takes nothing of a request with too many events', () => {
    for (const body of [`${A}\n`.repeat(EVENTS_MAX + 1), `${BAD}\n${`${A}\n`.repeat(EVENTS_MAX + 100)}`]) {
      const { payloads, faults } = parseText(body, 'ndjson', 'skip');
      expect(payloads).toEqual([]);
      expect(faults.at(-1)).toMatchObject({ line: EVENTS_MAX + 1, field: '' });
    }
    expect(parseText(`[${`${A},`.repeat(EVENTS_MAX)}${A}]`, 'json', 'skip').payloads).toEqual([]);
  });

  it('the largest request allowed is taken whole, each event with a tenant of its own', () => {
    const lines = Array.from({ length: EVENTS_MAX }, (_, i) => `{"message":"a","tenant":"t${i}"}`);
    for (const [body, framing] of [
      [lines.join('\n'), 'ndjson'],
      [`[${lines.join()}]`, 'json'],
    ] as const) {
      const { batch, faultsTotal } = parseEvents(utf8(body), framing, { onInvalid: 'reject' });
      expect(faultsTotal).toBe(0);
      expect(batch.ends.length).toBe(EVENTS_MAX);
      expect(batch.tenantNames.length).toBe(EVENTS_MAX);
      expect([batch.tenants[0], batch.tenants[EVENTS_MAX - 1]]).toEqual([1, EVENTS_MAX]);
    }
  });
});

describe('faults', () => {
  it('beyond the bound of the list are counted', () => {
    const { faults, faultsTotal, rejected } = parseText('{"level":"x","tenant":1}\n'.repeat(EVENTS_MAX), 'ndjson');
    expect(faults.length).toBe(FAULTS_MAX);
    expect(faultsTotal).toBe(3 * EVENTS_MAX);
    expect(rejected).toBe(EVENTS_MAX);
    expect(faultPaths(faults.slice(0, 3))).toEqual(['1: level', '1: message', '1: tenant']);
  });

  it('repeat a long or disguised key shortened and escaped', () => {
    const long = 'k'.repeat(5_000);
    const [{ field }] = parseText(`{"message":"a","${long}":1,"${long}":2}`).faults;
    expect(field).toMatch(/^k+…$/);
    expect(field.length).toBe(QUOTED_CHARS_MAX);
    const [disguised] = parseText('{"message":"a","x\\n\u202egnp.exe":1,"x\\u000a\u202egnp.exe":2}').faults;
    expect(disguised.field).toBe('x\\n\\u202egnp.exe');
  });

  it('name the column of a syntax fault in its line, be that NDJSON or JSON laid out over lines', () => {
    const bad = '  {"message":x}';
    for (const [body, framing] of [
      [`${A}\n${bad}\n`, 'ndjson'],
      [`[${A},\n${bad}]`, 'json'],
    ] as const) {
      expect(parseText(body, framing).faults).toMatchObject([{ line: 2, reason: expect.stringMatching(/\bcolumn 14:/) }]);
    }
    expect(parseText(`[${A},${A},\n\n\n${bad}]`).faults).toMatchObject([{ line: 3, reason: expect.stringMatching(/line 4, column 14:/) }]);
  });

  it('of an unreadable line are that one, whatever was found in it before', () => {
    expect(faultPaths(parseText(`{"message":"\\ud800","a":1,"a":1,"b":}\n${BAD}\n`, 'ndjson').faults)).toEqual(['1: ', '2: message']);
  });

  it('hint at NDJSON sent under the name of JSON, and at arrays sent as NDJSON', () => {
    expect(parseText(`${A}\n${B}\n`).faults).toMatchObject([
      { line: 1, field: '', reason: expect.stringContaining('application/x-ndjson') },
    ]);
    expect(parseText(`[${A},${B}]\n`, 'ndjson').faults).toMatchObject([{ line: 1, field: '' }]);
  });

  it('of bad UTF-8 name the byte, and spare the other lines of NDJSON', () => {
    const body = concat(utf8(`${A}\n{"message":"é`), Uint8Array.of(0xc3), utf8(`"}\n${B}\n`));
    expect(parseText(body, 'ndjson', 'skip')).toMatchObject({
      payloads: [A, B],
      faults: [{ line: 2, field: '', reason: expect.stringContaining('byte 15') }],
    });
  });
});

describe('a request that is too large', () => {
  const large = `{"message":"${'m'.repeat(PAYLOAD_BYTES_MAX)}"}`;
  const isTooLarge = (body: string, onInvalid: 'reject' | 'skip' = 'reject'): boolean =>
    parseEvents(utf8(body), 'ndjson', { onInvalid }).isTooLarge;

  it('is told from a wrong one: size is all that is wrong with it', () => {
    expect(isTooLarge(`${A}\n${large}\n${large}\n`)).toBe(true);
    expect(isTooLarge(`${A}\n`.repeat(EVENTS_MAX + 1))).toBe(true);
    expect(isTooLarge(`${BAD}\n${large}\n`)).toBe(false);
    expect(isTooLarge(`${BAD}\n`)).toBe(false);
    expect(isTooLarge(`${A}\n`)).toBe(false);
  });

  it('has too many events even if bad ones may be skipped, but a large one is skipped like any other', () => {
    expect(isTooLarge(`${A}\n`.repeat(EVENTS_MAX + 1), 'skip')).toBe(true);
    expect(isTooLarge(`${A}\n${large}\n`, 'skip')).toBe(false);
    expect(parseText(`${A}\n${large}\n`, 'ndjson', 'skip')).toMatchObject({ payloads: [A], faults: [{ line: 2, field: '' }], rejected: 1 });
  });

  it('by one byte of one event is refused, and not without it', () => {
    const fitting = `{"message":"${'m'.repeat(PAYLOAD_BYTES_MAX - '{"message":""}'.length)}"}`;
    expect(parseText(fitting).payloads).toEqual([fitting]);
    expect(parseText(fitting.replace(':"m', ':"mm')).faults).toMatchObject([{ line: 1, field: '' }]);
  });
});

describe('NDJSON lines', () => {
  it('may have white space around the event, a final newline or none', () => {
    for (const body of [`${A}\n${B}`, `${A}\n${B}\n`, ` ${A}\t\n\t${B} \n`])
      expect(parseText(body, 'ndjson')).toMatchObject({ payloads: [A, B], faults: [] });
  });

  it('of nothing but white space are empty lines, also at the end', () => {
    expect(parseText(`${A}\n \t\n${B}\n\n`, 'ndjson', 'skip')).toMatchObject({
      payloads: [A, B],
      faults: [{ line: 2 }, { line: 4 }],
      rejected: 2,
    });
  });

  it('that end in CR are refused, also the last one without a newline', () => {
    expect(parseText(`${A}\r\n${B}\r`, 'ndjson', 'skip')).toMatchObject({ payloads: [], faultsTotal: 2, rejected: 2 });
  });
});

describe('nesting', () => {
  const nest = (open: string, close: string, levels: number): string =>
    `{"attributes":{"a":${open.repeat(levels)}1${close.repeat(levels)}},"message":"a"}`;

  it('is taken up to the limit and told with its path beyond', () => {
    for (const [open, close] of [
      ['[', ']'],
      ['{"k":', '}'],
    ]) {
      const deepest = nest(open, close, DEPTH_MAX - 2);
      expect(parseText(deepest).payloads).toEqual([deepest]);
      const { payloads, faults, rejected } = parseText(nest(open, close, DEPTH_MAX - 1));
      expect([payloads.length, rejected]).toEqual([0, 1]);
      expect(faults).toMatchObject([{ line: 1, field: `attributes.a${(open === '[' ? '[0]' : '.k').repeat(DEPTH_MAX - 2)}` }]);
    }
  });

  it('without end neither exhausts the stack nor hides the next line', () => {
    for (const open of ['[', '{"a":']) {
      const body = `${open.repeat(500_000)}\n${A}\n`;
      expect(parseText(body, 'ndjson', 'skip')).toMatchObject({ payloads: [A], faultsTotal: 1, rejected: 1 });
    }
  });
});
