import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson, type Json } from '../../src/kernel/canonical-json.ts';
import { chainMac } from '../../src/kernel/chain.ts';
import { subtreeRoot } from '../../src/kernel/merkle.ts';
import { portableHashes } from '../../src/kernel/portable-hashes.ts';
import { CanonicalScan } from '../../src/verify/canonical-scan.ts';
import { ChainMac } from '../../src/verify/chain-mac.ts';
import { EventScan } from '../../src/verify/event-scan.ts';
import { FINDINGS_LISTED_MAX, FindingList } from '../../src/verify/finding.ts';
import { TreeFrontier } from '../../src/verify/tree-frontier.ts';
import { toExitCode, VERDICT_EXIT_CODES, VERDICT_MEANINGS, worstVerdict } from '../../src/verify/verdict.ts';
import { testSeed } from '../support/seed.ts';

const bytesOf = (length: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ minLength: length, maxLength: length });

describe('the fast paths of the verifier', () => {
  it('compute the chain MAC that the kernel computes', () => {
    const property = fc.property(
      bytesOf(32),
      bytesOf(16),
      bytesOf(32),
      fc.nat({ max: 9000 }).map((length) => Uint8Array.from({ length: 56 + length }, (_, at) => (at * length) % 251)),
      (key, id, previous, leaf) => {
        const mac = new ChainMac(key, id).compute(Buffer.from(previous).toString('latin1'), Buffer.from(leaf), 0, leaf.length - 32);
        expect(Buffer.from(mac, 'latin1').toString('hex')).toBe(
          Buffer.from(chainMac(portableHashes, key, id, previous, leaf)).toString('hex'),
        );
      },
    );
    fc.assert(property, { seed: testSeed(), numRuns: 200 });
  });

  it('compute the root that the recursion of RFC 6962 gives, at every size', () => {
    const leafHashes = Array.from({ length: 130 }, (_, index) => portableHashes.sha256(Uint8Array.of(index)));
    const tree = new TreeFrontier();
    for (let size = 0; size <= leafHashes.length; size++) {
      expect(Buffer.from(tree.root()).equals(subtreeRoot(portableHashes, (at) => leafHashes[at], 0, size))).toBe(true);
      if (size < leafHashes.length) tree.append(Buffer.from(leafHashes[size]).toString('latin1'));
    }
  });
});

describe('the canonical scan', () => {
  const isCanonical = (text: string | Uint8Array): boolean => {
    const bytes = Buffer.from(text as string);
    return new CanonicalScan().isCanonical(bytes, 0, bytes.length);
  };

  it('takes what the canonical writer writes and refuses every other spelling of it', () => {
    const property = fc.property(fc.json({ maxDepth: 5 }), (text) => {
      const value = JSON.parse(text) as Json;
      const canonical = canonicalJson(value);
      expect(isCanonical(canonical)).toBe(true);
      const spaced = JSON.stringify(value, null, 1);
      expect(isCanonical(spaced)).toBe(spaced === canonical);
      expect(isCanonical(`${canonical} `)).toBe(false);
    });
    fc.assert(property, { seed: testSeed(), numRuns: 500 });
  });

  it('agrees with JSON.parse that mutated text is no JSON', () => {
    const property = fc.property(fc.json({ maxDepth: 3 }), fc.nat(), fc.nat({ max: 127 }), (text, at, code) => {
      const canonical = canonicalJson(JSON.parse(text) as Json);
      const mutated = canonical.slice(0, at % canonical.length) + String.fromCharCode(code) + canonical.slice((at % canonical.length) + 1);
      if (isCanonical(mutated)) expect(() => JSON.parse(mutated) as unknown).not.toThrow();
    });
    fc.assert(property, { seed: testSeed(), numRuns: 2000 });
  });

  it('orders keys by UTF-16 code units, not by bytes', () => {
    expect(isCanonical('{"\u{10000}":1,"\uFFFF":2}')).toBe(true);
    expect(isCanonical('{"\uFFFF":2,"\u{10000}":1}')).toBe(false);
    expect(isCanonical('{"\\n":1,"a":2}')).toBe(true);
    expect(isCanonical('{"a":2,"\\n":1}')).toBe(false);
  });

  it.each([
    '{"a":1,"a":2}',
    '{"b":1,"a":2}',
    '"\\u0041"',
    '"\\u000a"',
    '"\\u001F"',
    '"\\/"',
    '01',
    '1.',
    '.5',
    '+1',
    '[1,]',
    '{"a":1,}',
    'nul',
    '"a',
    '"\n"',
    '',
    '1 1',
  ])('refuses %s', (text) => expect(isCanonical(text)).toBe(false));

  it.each(['1e400', '-0', '1.0', '12345678901234567890', '"\\u001f"', '"\\b\\t\\n\\f\\r\\"\\\\"', '""', '[]', '{}'])('takes %s', (text) =>
    expect(isCanonical(text)).toBe(true),
  );

  it('refuses malformed UTF-8 and nesting without end', () => {
    expect(isCanonical(Buffer.from([0x22, 0xc3, 0x28, 0x22]))).toBe(false);
    expect(isCanonical(Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22]))).toBe(false);
    expect(isCanonical('['.repeat(60_000))).toBe(false);
  });

  it('picks level and tenant out of an event', () => {
    const scan = new EventScan();
    const event = Buffer.from('{"attributes":{"level":"x"},"level":"error","message":"m","tenant":"größe"}');
    expect(scan.isEvent(event, 0, event.length)).toBe(true);
    expect([scan.levelCode, Buffer.from(scan.tenantText, 'latin1').toString()]).toEqual([5, '"größe"']);
    for (const text of [
      '{}',
      '{"message":1}',
      '{"message":"m","level":"info"}',
      '{"level":"none","message":"m"}',
      '{"message":"m"',
      '[]',
      '{"message":"m","time":true}',
    ]) {
      const bytes = Buffer.from(text);
      expect([text, scan.isEvent(bytes, 0, bytes.length)]).toEqual([text, false]);
    }
  });
});

describe('findings and verdicts', () => {
  it('joins neighbours with the same damage and keeps memory bounded', () => {
    const list = new FindingList();
    for (let seq = 0; seq < 5000; seq++) {
      list.add({ verdict: 'TAMPERED', place: { file: 's', seqFirst: seq, seqLast: seq }, expected: 'e', found: 'f' });
    }
    expect([list.total, list.listed[0].place.seqLast]).toEqual([1, 4999]);
    for (let seq = 0; seq < 5000; seq++)
      list.add({ verdict: seq === 4999 ? 'FORKED' : 'WARNING', place: { file: String(seq) }, expected: 'e', found: 'f' });
    expect([list.total, list.listed.length, list.worst]).toEqual([5001, FINDINGS_LISTED_MAX, 'FORKED']);
  });

  it('let the highest exit code win, never use 1, and explain every verdict', () => {
    expect(worstVerdict('TORN_TAIL', 'FORKED', 'TAMPERED')).toBe('FORKED');
    expect(Object.values(VERDICT_EXIT_CODES)).not.toContain(1);
    expect(Object.keys(VERDICT_MEANINGS)).toEqual(Object.keys(VERDICT_EXIT_CODES));
    expect([toExitCode('OK_UNANCHORED', { unanchored: true }), toExitCode('TAMPERED', { unanchored: true })]).toEqual([0, 31]);
  });
});
