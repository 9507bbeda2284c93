import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatLeafLine, formatLeafType, formatTimeNs, joinLeaf, parseLeafType } from '../../src/bundle/format.ts';
import { equalBytes, toBase64, utf8 } from '../../src/kernel/bytes.ts';
import { canonicalJson } from '../../src/kernel/canonical-json.ts';
import { leafHash } from '../../src/kernel/hashes.ts';
import { FLAG_REQUEST_TAG, LEAF_TYPES, leafTypeName, parseLeaf, type Leaf } from '../../src/kernel/leaf.ts';
import { nodeHashes } from '../../src/kernel/node-hashes.ts';
import { LineFormatError, parseLeafLine } from '../../src/verify/bundle-line.ts';
import { parseTimeNs } from '../../src/verify/bundle-manifest.ts';
import { testSeed } from '../support/seed.ts';

const bytesOf = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });

/** Any leaf whose payload is canonical JSON where its type has a name, and anything where it has none. */
const anyLeaf: fc.Arbitrary<Leaf> = fc
  .record({
    type: fc.integer({ min: 0, max: 255 }),
    flags: fc.integer({ min: 0, max: 3 }),
    seq: fc.nat(Number.MAX_SAFE_INTEGER),
    epoch: fc.nat(0xffff_ffff),
    timeNs: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
    tag: fc.option(bytesOf(64), { nil: undefined }),
    message: fc.string({ unit: 'grapheme' }),
    opaque: fc.uint8Array({ maxLength: 80 }),
    mac: bytesOf(32),
  })
  .map(({ type, flags, seq, epoch, timeNs, tag, message, opaque, mac }) => {
    const payload = leafTypeName(type) === undefined ? opaque : utf8(canonicalJson({ message, '"payload":': message }));
    return parseLeaf(joinLeaf({ type, flags: flags | (tag === undefined ? 0 : FLAG_REQUEST_TAG), seq, epoch, timeNs }, tag, payload, mac));
  });

const lineOf = (leaf: Leaf): string => formatLeafLine(leaf, leafHash(nodeHashes, leaf.bytes));

describe('entry lines', () => {
  it('give back the very bytes of any leaf', () => {
    fc.assert(
      fc.property(anyLeaf, (leaf) => {
        const parsed = parseLeafLine(lineOf(leaf));
        return equalBytes(parsed.leaf.bytes, leaf.bytes) && equalBytes(parsed.statedHash, leafHash(nodeHashes, leaf.bytes));
      }),
      { seed: testSeed(), numRuns: 500 },
    );
  });

  it('are one JSON object each, without a line break', () => {
    fc.assert(
      fc.property(anyLeaf, (leaf) => {
        const line = lineOf(leaf);
        const value = JSON.parse(line) as Record<string, unknown>;
        return !line.includes('\n') && value['seq'] === leaf.seq && value['timeNs'] === String(leaf.timeNs);
      }),
      { seed: testSeed(), numRuns: 500 },
    );
  });

  it('have one spelling: any other text is refused or stands for another leaf', () => {
    fc.assert(
      fc.property(anyLeaf, fc.nat(), fc.constantFrom(' ', '0', '"', '}', 'A', '='), fc.boolean(), (leaf, place, char, isInsert) => {
        const line = lineOf(leaf);
        const at = place % line.length;
        const changed = line.slice(0, at) + char + line.slice(isInsert ? at : at + 1);
        if (changed === line) return true;
        try {
          const { leaf: other, statedHash } = parseLeafLine(changed);
          return !(equalBytes(other.bytes, leaf.bytes) && equalBytes(statedHash, leafHash(nodeHashes, leaf.bytes)));
        } catch (error) {
          return error instanceof LineFormatError;
        }
      }),
      { seed: testSeed(), numRuns: 1000 },
    );
  });

  it('refuse flags that say a request tag is there when none is, and the other way round', () => {
    const header = { type: LEAF_TYPES.event, seq: 1, epoch: 0, timeNs: 0n };
    const [payload, mac] = [utf8('{"message":"a"}'), new Uint8Array(32)];
    // Read as payload, these bytes are no UTF-8.
    const tag = new Uint8Array(64).fill(0xff);
    const tagged = lineOf(parseLeaf(joinLeaf({ ...header, flags: FLAG_REQUEST_TAG }, tag, payload, mac)));
    const plain = lineOf(parseLeaf(joinLeaf({ ...header, flags: 0 }, undefined, payload, mac)));
    expect(() => parseLeafLine(tagged.replace('"flags":4', '"flags":0'))).toThrow(LineFormatError);
    expect(() => parseLeafLine(plain.replace('"flags":0', '"flags":4'))).toThrow(LineFormatError);
  });

  it('refuse a request tag or a MAC that is longer than it may be, however it is padded', () => {
    const header = { type: LEAF_TYPES.event, flags: FLAG_REQUEST_TAG, seq: 1, epoch: 0, timeNs: 0n };
    const line = lineOf(parseLeaf(joinLeaf(header, new Uint8Array(64).fill(0xff), utf8('{"message":"a"}'), new Uint8Array(32).fill(0xff))));
    const [tag, longerTag] = [64, 66].map((length) => toBase64(new Uint8Array(length).fill(0xff)));
    const [mac, longerMac] = [32, 33].map((length) => toBase64(new Uint8Array(length).fill(0xff)));
    expect(() => parseLeafLine(line.replace(`"request":"${tag}"`, `"request":"${longerTag}"`))).toThrow(LineFormatError);
    expect(() => parseLeafLine(line.replace(`"mac":"${mac}"`, `"mac":"${longerMac}"`))).toThrow(LineFormatError);
  });

  it('name types as the ledger format does, and types without a name by number', () => {
    expect([1, 2, 13, 14, 17, 0, 255].map(formatLeafType)).toEqual([
      'genesis',
      'event',
      'minute-summary',
      'rejected-input',
      '17',
      '0',
      '255',
    ]);
    for (let type = 0; type < 256; type++) expect(parseLeafType(formatLeafType(type))).toBe(type);
    for (const label of ['2', '02', '256', 'Event', '', '-1', '017']) expect(parseLeafType(label)).toBeUndefined();
  });
});

describe('times', () => {
  it('are written with nine digits and read back exactly', () => {
    expect(formatTimeNs(0n)).toBe('1970-01-01T00:00:00.000000000Z');
    expect(formatTimeNs(2n ** 64n - 1n)).toBe('2554-07-21T23:34:33.709551615Z');
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), (timeNs) => parseTimeNs(formatTimeNs(timeNs)) === timeNs),
      { seed: testSeed() },
    );
  });

  it.each([
    '2026-01-02T24:00:00.000000000Z',
    '2026-02-30T00:00:00.000000000Z',
    '2026-01-02T03:04:05.000Z',
    '2026-01-02T03:04:05.000000000+00:00',
  ])('refuse the spelling %s', (text) => {
    expect(parseTimeNs(text)).toBeUndefined();
  });
});
