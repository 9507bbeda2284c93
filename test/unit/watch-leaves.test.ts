import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isSettled, isUntouched, type FileStat } from '../../src/watch/file-stat.ts';
import { judgeContent, judgeLook } from '../../src/watch/judge-change.ts';
import { locateEntries } from '../../src/watch/locate-entries.ts';
import { digestBytes, SpanBuilder, spansOf, type ReadRange } from '../../src/watch/spans.ts';
import { tamperPayload, TamperRecord } from '../../src/watch/tamper-record.ts';
import type { Detection } from '../../src/kernel/detection.ts';
import { testSeed } from '../support/seed.ts';
import { frames } from '../support/watched-folder.ts';

const STAT: FileStat = {
  dev: 1,
  ino: 2,
  size: 1000,
  mtimeMs: 5000.25,
  ctimeMs: 6000.5,
  birthtimeMs: 4000,
  nlink: 1,
  mode: 0o100600,
  uid: 0,
  gid: 0,
  type: 'file',
};

describe('judgement of a difference', () => {
  it.each([
    ['missing', undefined],
    ['replaced', { ...STAT, ino: 3 }],
    ['replaced', { ...STAT, type: 'other' as const }],
    ['replaced', { ...STAT, birthtimeMs: 4001 }],
    ['truncated', { ...STAT, size: 999 }],
    ['extended', { ...STAT, size: 1001 }],
    [undefined, { ...STAT, mode: 0o100644, ctimeMs: 7000 }],
  ])('calls it %s', (kind, now) => expect(judgeLook(STAT, now)).toBe(kind));

  it('accepts another mode, owner, link count or change time over the same content', () => {
    const now = { ...STAT, mode: 0o100444, uid: 7, nlink: 2, ctimeMs: 9000 };
    expect(judgeContent(STAT, now, true)).toBeUndefined();
    expect(judgeContent(STAT, now, false)).toBe('content');
  });

  it('does not accept another modification time, forward or back', () => {
    for (const mtimeMs of [1000, 5000.5]) expect(judgeContent(STAT, { ...STAT, mtimeMs }, true)).toBe('metadata');
  });

  it('takes two looks for the same only when every part that a change leaves a mark in is the same', () => {
    expect(isUntouched(STAT, { ...STAT })).toBe(true);
    for (const change of [
      { ctimeMs: 6000.501 },
      { mtimeMs: 1 },
      { size: 1 },
      { nlink: 2 },
      { ino: 9 },
      { dev: 9 },
      { type: 'directory' as const },
    ])
      expect(isUntouched(STAT, { ...STAT, ...change }), JSON.stringify(change)).toBe(false);
  });

  it('relies on a stat only when a later change would carry another time', () => {
    expect(isSettled(STAT, STAT.ctimeMs + 5)).toBe(false);
    expect(isSettled(STAT, STAT.ctimeMs + 50)).toBe(true);
  });
});

const readerOf = (bytes: Buffer): ReadRange =>
  function* read(from, to) {
    for (let at = from; at < Math.min(to, bytes.length); at += 1000) yield bytes.subarray(at, Math.min(to, at + 1000, bytes.length));
  };

describe('spans', () => {
  it('find every changed byte, whatever pieces the segment was written in, and whatever was cut and written again', () => {
    const pieces = fc.array(fc.oneof(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 200_000, max: 400_000 })), {
      minLength: 1,
      maxLength: 12,
    });
    fc.assert(
      fc.property(pieces, fc.nat(), fc.nat(), (lengths, cutAt, changeAt) => {
        const total = lengths.reduce((a, b) => a + b, 0);
        const bytes = Buffer.alloc(total, 'content');
        const builder = new SpanBuilder();
        let from = 0;
        for (const [i, length] of lengths.entries()) {
          builder.add(from, from + length, digestBytes(bytes.subarray(from, from + length)));
          from += length;
          // The last piece failed and is written once more.
          if (i !== cutAt % lengths.length) continue;
          builder.cut(from - length);
          expect(builder.bytes).toBe(from - length);
          builder.add(from - length, from, digestBytes(bytes.subarray(from - length, from)));
        }
        const spans = builder.build((a, b) => digestBytes(bytes.subarray(a, b)));
        expect(spans.bytes).toBe(total);
        expect(spans.findChange(readerOf(bytes))).toBeUndefined();
        const at = changeAt % total;
        bytes[at] ^= 1;
        const change = spans.findChange(readerOf(bytes));
        expect(change?.from).toBeLessThanOrEqual(at);
        expect(change?.to).toBeGreaterThan(at);
      }),
      { seed: testSeed(), numRuns: 60 },
    );
  });

  it('of 10,000 small groups are no more than those of a few large ones', () => {
    const builder = new SpanBuilder();
    for (let i = 0; i < 10_000; i++) builder.add(i * 300, (i + 1) * 300, 'never used');
    const bytes = Buffer.alloc(3_000_000, 1);
    const spans = builder.build((from, to) => digestBytes(bytes.subarray(from, to)));
    expect(spans.count).toBeLessThan(20);
    expect(spans.findChange(readerOf(bytes))).toBeUndefined();
  });

  it('hold for a shorter file than the one they were made of', () => {
    const bytes = Buffer.alloc(600_000, 2);
    const spans = spansOf(readerOf(bytes), bytes.length);
    expect(spans.findChange(readerOf(bytes.subarray(0, 599_999)))).toEqual({ from: 524_288, to: 600_000 });
  });
});

describe('entries in a range of bytes', () => {
  const bytes = frames(500, 20);
  const frameBytes = bytes.length / 20;
  const at = (content: Buffer) => (offset: number, length: number) => content.subarray(offset, offset + length);

  it('are those that the range touches', () => {
    expect(locateEntries(at(bytes), 500, bytes.length, 3 * frameBytes, 3 * frameBytes + 1)).toEqual({ first: 503, last: 503 });
    expect(locateEntries(at(bytes), 500, bytes.length, 3 * frameBytes - 1, 5 * frameBytes + 1)).toEqual({ first: 502, last: 505 });
    expect(locateEntries(at(bytes), 500, bytes.length, 0, bytes.length)).toEqual({ first: 500, last: 519 });
  });

  it('have no certain end when the changed bytes lead to a place that is no entry', () => {
    const broken = Buffer.from(bytes);
    broken.writeUInt16BE(77, 6 * frameBytes);
    expect(locateEntries(at(broken), 500, broken.length, 6 * frameBytes, 6 * frameBytes + 2)).toEqual({ first: 506, last: null });
  });
});

describe('the record of findings', () => {
  const detection = (file: string, kind: Detection['kind'] = 'content'): Detection => ({
    kind,
    file,
    bytes: { first: 1, last: 2 },
    seqs: null,
    detectedNs: 7n,
    evidence: 'x'.repeat(5000),
  });

  it('is latched by the first finding', () => {
    const record = new TamperRecord();
    expect(record.isTampered).toBe(false);
    record.add(detection('a'), 0, 0n);
    expect(record.isTampered).toBe(true);
  });

  it('writes the same kind on the same file down once a second, and counts each', () => {
    const record = new TamperRecord();
    expect(record.add(detection('a'), 0, 0n)).toBe(true);
    expect(record.add(detection('a'), 999, 0n)).toBe(false);
    expect(record.add(detection('a', 'metadata'), 999, 0n)).toBe(true);
    expect(record.add(detection('b'), 999, 0n)).toBe(true);
    expect(record.add(detection('a'), 1000, 0n)).toBe(true);
    expect(record.total).toBe(5);
  });

  it('asks for no more than 100 entries, and counts the rest', () => {
    const record = new TamperRecord();
    const told = Array.from({ length: 500 }, (_, i) => record.add(detection(`file ${i}`), 0, 0n)).filter(Boolean);
    expect(told).toHaveLength(100);
    expect(record.total).toBe(500);
    expect(record.findings.length).toBeLessThanOrEqual(20);
  });

  it('makes a payload of the documented form, with bounded evidence', () => {
    const payload = tamperPayload(detection('ledger/watermark'));
    expect(payload).toMatchObject({
      kind: 'content',
      file: 'ledger/watermark',
      byteFirst: 1,
      byteLast: 2,
      seqFirst: null,
      detectedNs: '7',
    });
    expect(JSON.stringify(payload).length).toBeLessThan(2500);
  });
});
