import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson, type Json } from '../../src/kernel/canonical-json.ts';
import { faultPaths, parseText } from '../support/parse-text.ts';
import { testSeed } from '../support/seed.ts';

/** The canonical text of one value, sent as an attribute. */
function canonical(value: string): string | undefined {
  const [payload] = parseText(`{"attributes":{"v":${value}},"message":""}`).payloads;
  return payload?.slice('{"attributes":{"v":'.length, -'},"message":""}'.length);
}

function toEscape(unit: number, isUpperCase: boolean): string {
  const digits = unit.toString(16).padStart(4, '0');
  return `"\\u${isUpperCase ? digits.toUpperCase() : digits}"`;
}

describe('canonical form', () => {
  it.each(['0', '-0', '1.0', '1.10', '1e400', '-1E-400', '1E+2', '12345678901234567890', '0.1000000000000000055511151231257827'])(
    'keeps the number %s as it was sent',
    (token) => {
      expect(canonical(token)).toBe(token);
      expect(canonical(`[ ${token} , {"n" : ${token} } ]`)).toBe(`[${token},{"n":${token}}]`);
    },
  );

  it('writes every escape as RFC 8785 does, and refuses those of half a pair', () => {
    for (let block = 0; block < 0x10000; block += 0x100) {
      const units = Array.from({ length: 0x100 }, (_, i) => block + i);
      const escapes = units.map((unit) => toEscape(unit, unit % 2 === 0));
      if (block < 0xd800 || block > 0xdfff) {
        expect(canonical(`[${escapes.join(' , ')}]`)).toBe(JSON.stringify(units.map((unit) => String.fromCharCode(unit))));
      } else {
        const { faults } = parseText(`{"message":"","v":[${escapes.join()}]}`);
        expect(faults.map(({ field }) => field)).toEqual(units.map((_, i) => `v[${i}]`));
      }
    }
    expect(canonical('"\\ud800\\udc00\\uDBFF\\uDFFF"')).toBe('"\u{10000}\u{10ffff}"');
  });

  it('writes the short escapes short, and what needs none without', () => {
    expect(canonical('"\\"\\\\\\/\\b\\f\\n\\r\\t\\u0008\\u000C\\u0022\\u005c\\u002F\u007f"')).toBe(
      '"\\"\\\\/\\b\\f\\n\\r\\t\\b\\f\\"\\\\/\u007f"',
    );
  });

  it('refuses each raw control character, in values and in keys', () => {
    for (let code = 0; code < 0x20; code++) {
      const char = String.fromCharCode(code);
      expect(faultPaths(parseText(`{"message":"a${char}b"}`).faults)).toEqual(['1: message']);
      const isNamed = parseText(`{"message":"","x${char}":1}`).faults.map(({ field }) => field);
      expect(isNamed).toEqual([JSON.stringify(`x${char}`).slice(1, -1)]);
    }
  });

  it('sorts keys by UTF-16 code units at every depth, however they are spelled', () => {
    // In UTF-8 and by code point U+FF5E stands before U+1F600, in UTF-16 behind it.
    expect(canonical('{"\\uff5e":1,"😀":2,"b":3,"\\u0061":4,"":5,"aa":6,"B":7}')).toBe('{"":5,"B":7,"a":4,"aa":6,"b":3,"😀":2,"\uff5e":1}');
    expect(canonical('[{"b":{"d":1,"c":2},"a":3}]')).toBe('[{"a":3,"b":{"c":2,"d":1}}]');
  });

  it('of any JSON value is that of our own records', () => {
    const value = fc.jsonValue({ maxDepth: 4, stringUnit: 'binary' }).filter((sample) => !JSON.stringify(sample).includes('__proto__'));
    fc.assert(
      fc.property(value, fc.nat(3), (sample, indent) => {
        // Indented JSON has white space in every place.
        expect(canonical(JSON.stringify(sample, undefined, indent))).toBe(canonicalJson(JSON.parse(JSON.stringify(sample)) as Json));
      }),
      { seed: testSeed(), numRuns: 500 },
    );
  });
});

describe('duplicate keys', () => {
  it.each([
    ['{"a":1,"a":1}', ['v.a']],
    ['{"a":1,"\\u0061":1}', ['v.a']],
    ['{"é":1,"\\u00e9":1}', ['v.é']],
    ['{"😀":1,"\\ud83d\\ude00":1}', ['v.😀']],
    ['{"":1,"":1}', ['v.']],
    ['[{"a":1},{"b":[{"a":1,"b":2,"a":3}]}]', ['v[1].b[0].a']],
    ['{"a":{"x":1,"x":2},"b":{"x":1,"x":2}}', ['v.a.x', 'v.b.x']],
  ])('of %s are told with their paths', (value, paths) => {
    const { faults } = parseText(`{"message":"","v":${value}}`);
    expect(faults.map(({ field }) => field)).toEqual(paths);
  });

  it('are one fault for each surplus one', () => {
    expect(parseText('{"message":"","a":1,"a":2,"a":3}').faultsTotal).toBe(2);
  });

  it('are found among very many keys, in any order', () => {
    const keys = Array.from({ length: 3_000 }, (_, i) => `"k${(i * 7919) % 3_000}":0`);
    expect(parseText(`{"message":"","v":{${keys.join()}}}`).faultsTotal).toBe(0);
    expect(parseText(`{"message":"","v":{${keys.join()},"k1234":0}}`).faults.map(({ field }) => field)).toEqual(['v.k1234']);
  });

  it('are not seen where keys only look alike', () => {
    expect(canonical('{"a":1,"A":2,"a ":3,"á":4,"a\u0301":5,"ａ":6}')).toBe('{"A":2,"a":1,"a ":3,"a\u0301":5,"á":4,"ａ":6}');
  });
});

describe('__proto__', () => {
  it.each(['{"__proto__":1}', '{"\\u005f_proto__":1}', '{"__pro\\u0074o__":{}}', '[{"__proto__":[]}]'])('is refused in %s', (value) => {
    expect(parseText(`{"message":"","v":${value}}`).faults.map(({ field }) => field)).toEqual([
      value.startsWith('[') ? 'v[0].__proto__' : 'v.__proto__',
    ]);
  });

  it('is fine as text, and so is any key that only resembles it', () => {
    expect(canonical('["__proto__",{"__proto":1,"__proto___":2,"_proto__":3}]')).toBe(
      '["__proto__",{"__proto":1,"__proto___":2,"_proto__":3}]',
    );
  });
});
