import { describe, expect, test } from 'vitest';
import { parseEvents } from '../../src/ingest/parse-events.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const large = bytes('{"message":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}\n{"message":"\\u00e9\\n","tenant":"t"}\n'.repeat(50));

describe('scratch memory shared by requests', () => {
  test('a last line without newline is accepted right after a larger request', () => {
    parseEvents(large, 'ndjson', { onInvalid: 'reject' });
    const after = parseEvents(bytes('{"message":"a"}'), 'ndjson', { onInvalid: 'reject' });
    expect(after.faults).toEqual([]);
    expect(Buffer.from(after.batch.payloads).toString()).toBe('{"message":"a"}');
  });

  test.each(['json', 'ndjson'] as const)('every truncation of a %s event reads the same before and after a larger request', (framing) => {
    const event = '{"message":"\\u00e9\\"é","level":"info","attributes":{"a":[1,true,"\\ud83d\\ude00"]}}';
    for (let cut = 0; cut <= event.length; cut++) {
      const body = bytes(event.slice(0, cut));
      const before = parseEvents(body, framing, { onInvalid: 'reject' });
      parseEvents(large, 'ndjson', { onInvalid: 'reject' });
      const after = parseEvents(body, framing, { onInvalid: 'reject' });
      expect(after).toEqual(before);
      expect(after.batch.ends.length).toBe(cut === event.length ? 1 : 0);
    }
  });

  test('a later request leaves the batch of an earlier one alone', () => {
    const first = parseEvents(bytes('{"message":"first","tenant":"one"}'), 'json', { onInvalid: 'reject' });
    parseEvents(large, 'ndjson', { onInvalid: 'reject' });
    expect(Buffer.from(first.batch.payloads).toString()).toBe('{"message":"first","tenant":"one"}');
    expect(first.batch.payloads.buffer.byteLength).toBe(first.batch.payloads.length);
    expect(first.batch.tenantNames).toEqual(['one']);
  });
});

describe('the place of a byte that is not UTF-8', () => {
  const place = (...parts: (string | number[])[]): string | undefined => {
    const body = Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : Buffer.from(part))));
    return parseEvents(body, 'ndjson', { onInvalid: 'reject' }).faults[0]?.reason;
  };

  test.each([
    ['a byte that never occurs', [0xff]],
    ['a lone continuation byte', [0x80]],
    ['an overlong form of two bytes', [0xc0, 0xaf]],
    ['an overlong form of three bytes', [0xe0, 0x80, 0xaf]],
    ['an overlong form of four bytes', [0xf0, 0x80, 0x80, 0xaf]],
    ['an encoded surrogate', [0xed, 0xa0, 0x80]],
    ['a code point past U+10FFFF', [0xf4, 0x90, 0x80, 0x80]],
    ['a sequence cut short', [0xf0, 0x9f, 0x98]],
  ])('is named exactly behind many good characters: %s', (_name, bad) => {
    for (const good of ['', 'é', 'x' + 'é'.repeat(1000), '😀€é'.repeat(333)]) {
      const at = Buffer.byteLength(`{"message":"${good}`) + 1;
      expect(place(`{"message":"${good}`, bad, '"}')).toBe(`is not UTF-8 at byte ${at}`);
    }
  });
});

describe('faults of hostile bodies', () => {
  test('a path shows no more than 64 characters of a key and 256 in all', () => {
    const key = 'k'.repeat(100_000);
    const deep = `${`{"${'d'.repeat(80)}":`.repeat(20)}{"a":1,"a":2}${'}'.repeat(20)}`;
    const { faults } = parseEvents(bytes(`{"message":"","${key}":1,"${key}":2}\n{"message":"","x":${deep}}`), 'ndjson', {
      onInvalid: 'reject',
    });
    expect(faults.map(({ line, field }) => [line, Array.from(field).length])).toEqual([
      [1, 64],
      [2, 256],
    ]);
    expect(faults[0].field).toBe(`${'k'.repeat(63)}…`);
    expect(faults[1].field.startsWith(`x.${'d'.repeat(63)}….`)).toBe(true);
  });

  test('a path hides nothing: controls and direction marks are shown as escapes', () => {
    const { faults } = parseEvents(bytes('{"message":"","\\u0007\u202e":{"\u0085":1,"\u0085":2}}'), 'json', { onInvalid: 'reject' });
    expect(faults.map(({ field }) => field)).toEqual(['\\u0007\\u202e.\\u0085']);
  });

  test('all faults are counted, 10,000 are listed', () => {
    const line = `{"message":"",${'"a":1,'.repeat(5000)}"a":1}\n`;
    const { faults, faultsTotal, rejected } = parseEvents(bytes(line.repeat(5)), 'ndjson', { onInvalid: 'reject' });
    expect([faults.length, faultsTotal, rejected]).toEqual([10_000, 25_000, 5]);
  });
});
