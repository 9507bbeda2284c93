import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { addressesOf, collapseValues, mergePatterns } from '../../src/bundle/timeline/app/patterns.ts';
import { prettyJson } from '../../src/bundle/timeline/app/pretty-json.ts';
import { queryPattern, toPieces, toVisible } from '../../src/bundle/timeline/app/visible-text.ts';
import { testSeed } from '../support/seed.ts';

const LONG = 10_000;

describe('text of strangers', () => {
  test('controls, direction overrides and invisible characters become marks', () => {
    expect(toVisible('a\u0000b\u001b[1m\u007f\u0085')).toBe('a␀b␛[1m␡[U+0085]');
    expect(toVisible('\u202Eabc\u2066\u200B\uFEFF\u{E0041}')).toBe('[U+202E]abc[U+2066][U+200B][U+FEFF][U+E0041]');
    expect(toVisible('\uD800')).toBe('[U+D800]');
    expect(toVisible('naïve 漢字 \u{1F600} עברית')).toBe('naïve 漢字 \u{1F600} עברית');
  });

  test('pieces put together again are the visible text, whatever the query', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 60 }), fc.string({ maxLength: 3 }), (text, query) => {
        const pieces = toPieces(text, query, LONG);
        expect(pieces.map((piece) => piece.text).join('')).toBe(toVisible(text));
      }),
      { seed: testSeed(), numRuns: 500 },
    );
  });

  test('hits are marked without regard to case, and the query is plain text', () => {
    const hits = (text: string, query: string): string[] =>
      toPieces(text, query, LONG).flatMap((piece) => (piece.isHit ? [piece.text] : []));
    expect(hits('Error error ERROR', 'error')).toEqual(['Error', 'error', 'ERROR']);
    expect(hits('a.b axb', 'a.b')).toEqual(['a.b']);
    expect(hits('x', '')).toEqual([]);
    for (const special of '\\^$.*+?()[]{}|/-') expect(queryPattern(special, 'iu').test(special)).toBe(true);
  });

  test('a long text is cut and says by how much', () => {
    expect(toPieces('x'.repeat(1500), '', 1000).at(-1)?.text).toBe('… 500 more characters');
  });
});

describe('JSON laid out', () => {
  test('keeps every token as stored', () => {
    const text = '{"a":[1.0,1E400,10000000000000000000001,-0,true,null],"b":{},"c":[],"d":"{\\"x\\": [1,2]} \\u0000"}';
    expect(prettyJson(text)).toBe(
      '{\n  "a": [\n    1.0,\n    1E400,\n    10000000000000000000001,\n    -0,\n    true,\n    null\n  ],\n  "b": {},\n  "c": [],\n  "d": "{\\"x\\": [1,2]} \\u0000"\n}',
    );
  });

  test('differs from what is stored by white space between tokens only', () => {
    fc.assert(
      fc.property(fc.json(), (json) => {
        const compact = JSON.stringify(JSON.parse(json));
        expect(JSON.stringify(JSON.parse(prettyJson(compact)))).toBe(compact);
      }),
      { seed: testSeed(), numRuns: 300 },
    );
  });

  test('gives broken JSON back without losing a character', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'{}[]",:a1\\'.split('')), maxLength: 40 }), (text) => {
        expect(prettyJson(text).replaceAll(/\s/g, '')).toBe(text);
      }),
      { seed: testSeed(), numRuns: 300 },
    );
  });
});

describe('kinds of messages', () => {
  test('numbers, addresses and identifiers are collapsed', () => {
    expect(collapseValues('GET /orders/17 200 in 3.5 ms')).toBe('GET /orders/# # in # ms');
    expect(collapseValues('from 173.234.31.186 port 38926 ssh2')).toBe('from <ip> port # ssh#');
    expect(collapseValues('peer fe80::1ff:fe23:4567:890a gone at 06:55:46')).toBe('peer <ip> gone at #');
    expect(collapseValues('id 3f2504e0-4f89-11d3-9a0c-0305e82c3301 at 0xdeadBEEF, sha 9f86d081884c7d65')).toBe(
      'id <id> at <hex>, sha <hex>',
    );
    expect(collapseValues('plain words stay, added and faced too')).toBe('plain words stay, added and faced too');
  });

  test('a word that varies while the others stay becomes a wildcard', () => {
    const users = ['root', 'admin', 'test', 'oracle', 'guest'].map((user) => `Invalid user ${user} from <ip>`);
    const merged = mergePatterns([...users, 'Invalid packet seen from <ip>', 'Connection closed']);
    expect(new Set(users.map((user) => merged.get(user)))).toEqual(new Set(['Invalid user <*> from <ip>']));
    expect(merged.get('Connection closed')).toBe('Connection closed');
    expect(merged.get('Invalid packet seen from <ip>')).toBe('Invalid packet seen from <ip>');
  });

  test('addresses are found, each once, and times of day are not addresses', () => {
    expect(addressesOf('10.0.0.1 to 10.0.0.2 and 10.0.0.1')).toEqual(['10.0.0.1', '10.0.0.2']);
    expect(addressesOf('at 06:55:46 version 1.2.3.4.5 and 999.1.1.1')).toEqual([]);
    expect(addressesOf('2001:db8:0:0:0:0:0:1 and 2001:db8::7')).toEqual(['2001:db8:0:0:0:0:0:1', '2001:db8::7']);
  });

  test('patterns of a hostile message are found in bounded time', () => {
    for (const evil of ['1:'.repeat(40_000), 'a'.repeat(90_000), '1.'.repeat(40_000), 'f'.repeat(239) + ':'.repeat(300)]) {
      expect(collapseValues(evil).length).toBeLessThanOrEqual(1000);
      expect(addressesOf(evil).length).toBeLessThanOrEqual(8);
    }
  });
});
