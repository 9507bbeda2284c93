import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LedgerReport } from '../../src/verify/ledger-report.ts';
import { verifyLedger } from '../../src/verify/verify-ledger.ts';
import { withFile } from '../support/flips.ts';
import { filled, makeLedger, segmentPath } from '../support/make-ledger.ts';
import { memoryLedgerFiles } from '../support/memory-ledger-files.ts';
import { ROTATED_TO, SAMPLE_REQUESTS, SEALED_STEPS } from '../support/sample-ledger.ts';
import { testSeed } from '../support/seed.ts';

/** Input made to break the verifier, not the ledger: it must end, stay small, and never be green. */
const made = makeLedger({ requests: SAMPLE_REQUESTS });
const PATHS = [segmentPath(0), 'ledger/checkpoint', 'ledger/watermark', 'ledger/log.vkey'];

function content(path: string): Uint8Array {
  return made.files.get(path) ?? filled(0, 0);
}

function verify(files: ReadonlyMap<string, Uint8Array>, isKeyed: boolean): Promise<LedgerReport> {
  const hmacKeys = isKeyed ? [{ label: 'k', key: made.hmacKey }] : [];
  return verifyLedger({ files: memoryLedgerFiles(files), hmacKeys, allow: { unanchored: true, unsealed: true } });
}

interface Splice {
  readonly at: number;
  readonly removed: number;
  readonly inserted: Uint8Array;
}

const splice: fc.Arbitrary<Splice> = fc.record({
  at: fc.nat({ max: 8192 }),
  removed: fc.nat({ max: 300 }),
  inserted: fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    fc.nat({ max: 300 }).map((length) => filled(length, 0)),
  ),
});

function applySplice(bytes: Uint8Array, { at, removed, inserted }: Splice): Buffer {
  const from = at % (bytes.length + 1);
  return Buffer.concat([bytes.subarray(0, from), inserted, bytes.subarray(from + removed)]);
}

describe('a hostile ledger that seals', () => {
  const sealed = makeLedger({ epochPolicy: 'seal/v1', requests: SEALED_STEPS });
  const roots = [sealed.hmacKey, ROTATED_TO.key].map((key, index) => ({ label: `root ${index}`, key }));
  const check = (files: ReadonlyMap<string, Uint8Array>, hmacKeys: typeof roots): Promise<LedgerReport> =>
    verifyLedger({ files: memoryLedgerFiles(files), hmacKeys, allow: { unanchored: true, unsealed: false } });

  it('with any bytes removed, inserted or replaced anywhere is never green', { timeout: 120_000 }, async () => {
    const property = fc.asyncProperty(
      fc.constantFrom(...PATHS),
      fc.array(splice, { minLength: 1, maxLength: 4 }),
      async (path, splices) => {
        const before = sealed.files.get(path) ?? filled(0, 0);
        const changed = splices.reduce<Uint8Array>(applySplice, before);
        fc.pre(!Buffer.from(changed).equals(before));
        const files = withFile(sealed.files, path, changed);
        expect((await check(files, roots)).exitCode).toBeGreaterThanOrEqual(20);
        if (path === segmentPath(0)) expect((await check(files, [])).exitCode).toBeGreaterThanOrEqual(20);
      },
    );
    await fc.assert(property, { seed: testSeed(), numRuns: 1000 });
  });

  it('that claims epochs without end is told apart at once', async () => {
    const watermark = Buffer.from(sealed.files.get('ledger/watermark') ?? []);
    for (const slot of [0, 4096]) {
      watermark.writeUInt32BE(0xffff_fffe, slot + 16);
      watermark.writeBigUInt64BE(BigInt(Number.MAX_SAFE_INTEGER), slot + 20);
      watermark.writeBigUInt64BE(BigInt(Number.MAX_SAFE_INTEGER - 1), slot + 28);
    }
    const leaf = Buffer.from(sealed.files.get(segmentPath(0)) ?? []);
    leaf.writeUInt32BE(0xffff_ffff, leaf.readUInt16BE(0) + 2 + 2 + 12);
    const files = withFile(withFile(sealed.files, 'ledger/watermark', watermark), segmentPath(0), leaf);
    const begunMs = performance.now();
    for (const keys of [roots, []]) expect((await check(files, keys)).exitCode).toBeGreaterThanOrEqual(30);
    expect(performance.now() - begunMs).toBeLessThan(10_000);
  });
});

describe('a hostile ledger', () => {
  it('with any bytes removed, inserted or replaced anywhere is never green', { timeout: 60_000 }, async () => {
    const property = fc.asyncProperty(
      fc.constantFrom(...PATHS),
      fc.array(splice, { minLength: 1, maxLength: 4 }),
      async (path, splices) => {
        const changed = splices.reduce<Uint8Array>(applySplice, content(path));
        fc.pre(!Buffer.from(changed).equals(content(path)));
        const report = await verify(withFile(made.files, path, changed), true);
        expect(report.exitCode).toBeGreaterThanOrEqual(20);
        expect(report.findings.length).toBeGreaterThan(0);
        if (path === segmentPath(0)) expect((await verify(withFile(made.files, path, changed), false)).exitCode).toBeGreaterThanOrEqual(20);
      },
    );
    await fc.assert(property, { seed: testSeed(), numRuns: 1500 });
  });

  it('of random bytes in every file is refused', async () => {
    const property = fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 3000 }), { minLength: 4, maxLength: 4 }), async (contents) => {
      const report = await verify(new Map(PATHS.map((path, index) => [path, contents[index]])), true);
      expect(report.exitCode).toBeGreaterThanOrEqual(30);
    });
    await fc.assert(property, { seed: testSeed(), numRuns: 200 });
  });

  it('that claims a watermark of 2^53 − 1 leaves is told to be short, at once', async () => {
    const watermark = Buffer.from(content('ledger/watermark'));
    for (const slot of [0, 4096]) {
      watermark.writeBigUInt64BE(BigInt(Number.MAX_SAFE_INTEGER), slot + 20);
      watermark.writeBigUInt64BE(BigInt(Number.MAX_SAFE_INTEGER - 1), slot + 28);
    }
    const report = await verify(withFile(made.files, 'ledger/watermark', watermark), false);
    expect([report.verdict, report.findings[0].place.seqLast]).toEqual(['TRUNCATED', Number.MAX_SAFE_INTEGER - 1]);
  });

  it('with a checkpoint of very many signatures is refused unread', async () => {
    const note = Buffer.from(content('ledger/checkpoint')).toString();
    const line = note.slice(note.lastIndexOf('—'));
    const report = await verify(withFile(made.files, 'ledger/checkpoint', Buffer.from(note + line.repeat(100_000))), true);
    expect([report.verdict, report.findings[0].place.file]).toEqual(['TAMPERED', 'ledger/checkpoint']);
  });

  it.each([
    ['CRLF', (note: string) => note.replaceAll('\n', '\r\n')],
    ['a leading zero', (note: string) => note.replace('\n13\n', '\n013\n')],
    ['a doubled signature', (note: string) => note + note.slice(note.lastIndexOf('—'))],
    ['an extension line', (note: string) => note.replace('\n\n', '\nmore\n\n')],
  ])('with a checkpoint with %s is TAMPERED there', async (_, change) => {
    const note = change(Buffer.from(content('ledger/checkpoint')).toString());
    const report = await verify(withFile(made.files, 'ledger/checkpoint', Buffer.from(note)), true);
    expect([report.verdict, report.findings[0].place.file]).toEqual(['TAMPERED', 'ledger/checkpoint']);
  });

  it('of a full segment of damage is read once, in seconds', { timeout: 60_000 }, async () => {
    // Looks like frames everywhere: a version byte and small lengths at every place, none of them leading on.
    const garbage = Buffer.alloc(9 * 1024 * 1024);
    for (let at = 0; at < garbage.length; at += 3) garbage.set([0, 60, 1], at);
    const before = performance.now();
    const report = await verify(
      withFile(made.files, segmentPath(0), Buffer.concat([content(segmentPath(0)).subarray(0, 600), garbage])),
      true,
    );
    expect(report.exitCode).toBeGreaterThanOrEqual(30);
    expect(performance.now() - before).toBeLessThan(20_000);
  });
});
