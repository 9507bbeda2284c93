import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatTlogProof, parseTlogProof, TlogProofFormatError } from '../../src/kernel/tlog-proof.ts';
import { testSeed } from '../support/seed.ts';

const HASH = 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=';
const GOOD = `c2sp.org/tlog-proof@v1\nindex 5\n${HASH}\n\nexample.com/log\n6\n${HASH}\n\n— example.com/log AAAA\n`;

describe('tlog-proof text', () => {
  test('is the text of c2sp.org/tlog-proof', () => {
    const hash = new Uint8Array(32);
    expect(
      formatTlogProof({ index: 10, hashes: [hash], checkpoint: 'checkpoint data\n', extra: new TextEncoder().encode('extra information') }),
    ).toBe(`c2sp.org/tlog-proof@v1\nextra ZXh0cmEgaW5mb3JtYXRpb24=\nindex 10\n${HASH}\n\ncheckpoint data\n`);
    expect(formatTlogProof({ index: 0, hashes: [], checkpoint: 'checkpoint\n' })).toBe('c2sp.org/tlog-proof@v1\nindex 0\n\ncheckpoint\n');
  });

  test('parses back to what was formatted, for any proof', () => {
    const hash = fc.uint8Array({ minLength: 32, maxLength: 32 });
    const proof = fc.record(
      {
        index: fc.maxSafeNat(),
        hashes: fc.array(hash, { maxLength: 53 }),
        checkpoint: fc.string({ unit: 'grapheme', minLength: 1 }),
        extra: fc.uint8Array(),
      },
      { requiredKeys: ['index', 'hashes', 'checkpoint'] },
    );
    fc.assert(
      fc.property(proof, (value) => {
        const back = parseTlogProof(formatTlogProof(value));
        expect(back).toEqual({ ...value });
      }),
      { seed: testSeed() },
    );
  });

  test.each([
    ['a wrong header', GOOD.replace('@v1', '@v2')],
    ['no index', GOOD.replace('index 5\n', '')],
    ['an index with a leading zero', GOOD.replace('index 5', 'index 05')],
    ['an index beyond 2^53 - 1', GOOD.replace('index 5', 'index 9007199254740992')],
    ['a short hash', GOOD.replace(HASH, 'AAAA')],
    ['a hash that is not base64', GOOD.replace(HASH, HASH.replace('=', '*'))],
    ['a second spelling of a hash', GOOD.replace(HASH, HASH.replace('A=', 'B='))],
    ['carriage returns', GOOD.replaceAll('\n', '\r\n')],
    ['no checkpoint', GOOD.slice(0, GOOD.indexOf('\n\n') + 2)],
    ['no empty line', GOOD.replaceAll('\n\n', '\n')],
    ['an extra line after the index', GOOD.replace('index 5\n', 'index 5\nextra AAAA\n')],
    ['more hashes than any tree needs', GOOD.replace(`${HASH}\n`, `${HASH}\n`.repeat(54))],
  ])('refuses %s', (_, text) => {
    expect(() => parseTlogProof(text)).toThrow(TlogProofFormatError);
  });
});
