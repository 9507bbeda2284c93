import { describe, expect, it } from 'vitest';
import { readWatermark, watermarkFaults } from '../../src/verify/watermark-slots.ts';
import { verifyLedger } from '../../src/verify/verify-ledger.ts';
import type { LedgerReport } from '../../src/verify/ledger-report.ts';
import { flipBit, framePlaces, withFile } from '../support/flips.ts';
import { makeLedger, segmentPath } from '../support/make-ledger.ts';
import { memoryLedgerFiles } from '../support/memory-ledger-files.ts';
import { SAMPLE_REQUESTS } from '../support/sample-ledger.ts';

/** Every single-bit change and every truncation of every file of a small ledger: the right verdict, at the right place. */
const made = makeLedger({ requests: SAMPLE_REQUESTS });
const segment = segmentPath(0);
const segmentBytes = content(segment);
const places = framePlaces(made.leaves);
const KEYED = [{ label: 'hmac.key', key: made.hmacKey }];

function content(path: string): Uint8Array {
  const bytes = made.files.get(path);
  if (bytes === undefined) throw new Error(`the sample has no ${path}`);
  return bytes;
}

function verify(path: string, bytes: Uint8Array, hmacKeys = KEYED): Promise<LedgerReport> {
  const files = memoryLedgerFiles(withFile(made.files, path, bytes));
  return verifyLedger({ files, hmacKeys, allow: { unanchored: true, unsealed: true } });
}

/** Collects the cases that went wrong, so that one run shows all of them. */
async function failures(cases: number, check: (index: number) => Promise<string | undefined>): Promise<string[]> {
  const wrong: string[] = [];
  for (let index = 0; index < cases; index++) {
    const fault = await check(index);
    if (fault !== undefined) wrong.push(`${index}: ${fault}`);
  }
  return wrong.slice(0, 20);
}

const brief = (report: LedgerReport): string => `${report.verdict} ${JSON.stringify(report.findings.slice(0, 3))}`;

describe('every single-bit flip', () => {
  it('in a segment is TAMPERED and names exactly the leaf, with the HMAC key', { timeout: 600_000 }, async () => {
    const wrong = await failures(segmentBytes.length * 8, async (bit) => {
      const report = await verify(segment, flipBit(segmentBytes, bit));
      const hit = places.find(({ end }) => bit >> 3 < end);
      const isPlaced = report.findings.every(
        ({ place }) =>
          place.file === segment && place.seqFirst === hit?.seq && place.seqLast === hit?.seq && place.byteOffset === hit?.from,
      );
      return report.verdict === 'TAMPERED' && report.findings.length === 1 && isPlaced ? undefined : `leaf ${hit?.seq} ${brief(report)}`;
    });
    expect(wrong).toEqual([]);
  });

  it('in a segment is detected with the public key alone', { timeout: 600_000 }, async () => {
    const wrong = await failures(segmentBytes.length * 8, async (bit) => {
      const report = await verify(segment, flipBit(segmentBytes, bit), []);
      return report.exitCode >= 30 && report.exitCode <= 35 ? undefined : brief(report);
    });
    expect(wrong).toEqual([]);
  });

  it('in the checkpoint is TAMPERED there', { timeout: 600_000 }, async () => {
    const note = content('ledger/checkpoint');
    const wrong = await failures(note.length * 8, async (bit) => {
      const report = await verify('ledger/checkpoint', flipBit(note, bit));
      const isPlaced = report.findings.every(({ place }) => place.file === 'ledger/checkpoint');
      return report.verdict === 'TAMPERED' && isPlaced ? undefined : brief(report);
    });
    expect(wrong).toEqual([]);
  });

  it('in log.vkey is TAMPERED at that byte', { timeout: 600_000 }, async () => {
    const vkey = content('ledger/log.vkey');
    const wrong = await failures(vkey.length * 8, async (bit) => {
      const report = await verify('ledger/log.vkey', flipBit(vkey, bit));
      const [finding] = report.findings;
      const isPlaced = report.findings.length === 1 && finding.place.file === 'ledger/log.vkey' && finding.place.byteOffset === bit >> 3;
      return report.verdict === 'TAMPERED' && isPlaced ? undefined : brief(report);
    });
    expect(wrong).toEqual([]);
  });

  it('in a watermark slot is TAMPERED at that slot', { timeout: 600_000 }, async () => {
    const watermark = content('ledger/watermark');
    const slotBits = 132 * 8;
    const wrong = await failures(2 * slotBits, async (index) => {
      const slot = Math.floor(index / slotBits);
      const report = await verify('ledger/watermark', flipBit(watermark, slot * 4096 * 8 + (index % slotBits)));
      const [finding] = report.findings;
      const isPlaced =
        report.findings.length === 1 && finding.expected.endsWith(`(watermark slot ${slot})`) && finding.place.byteOffset === slot * 4096;
      return report.verdict === 'TAMPERED' && isPlaced ? undefined : brief(report);
    });
    expect(wrong).toEqual([]);
  });

  it('in the zeros of the watermark is found at that byte', { timeout: 600_000 }, async () => {
    const watermark = content('ledger/watermark');
    const wrong = await failures(watermark.length * 8, (bit) => {
      if ((bit >> 3) % 4096 < 132) return Promise.resolve(undefined);
      const faults = watermarkFaults(readWatermark(flipBit(watermark, bit)));
      const isPlaced = faults.length === 1 && faults[0].byteOffset === bit >> 3;
      return Promise.resolve(isPlaced ? undefined : JSON.stringify(faults));
    });
    expect(wrong).toEqual([]);
    const report = await verify('ledger/watermark', flipBit(watermark, 5000 * 8));
    expect([report.verdict, report.findings[0].place]).toEqual(['TAMPERED', { file: 'ledger/watermark', byteOffset: 5000 }]);
  });
});

describe('every truncation', () => {
  it('of a segment is TRUNCATED from the first missing leaf on', { timeout: 600_000 }, async () => {
    for (const keys of [KEYED, []]) {
      const wrong = await failures(segmentBytes.length, async (length) => {
        const report = await verify(segment, segmentBytes.subarray(0, length), keys);
        const firstMissing = places.find(({ end }) => length < end);
        const cut = report.findings.filter(({ verdict }) => verdict === 'TRUNCATED');
        const isPlaced = cut.length === 1 && cut[0].place.seqFirst === firstMissing?.seq && cut[0].place.seqLast === made.leaves.length - 1;
        const isRight =
          report.verdict === 'TRUNCATED' &&
          isPlaced &&
          cut[0].place.byteOffset === (length === 0 ? 0 : Math.min(length, firstMissing?.from ?? 0));
        return isRight ? undefined : brief(report);
      });
      expect(wrong).toEqual([]);
    }
  });

  it('of the checkpoint is TAMPERED there', async () => {
    const note = content('ledger/checkpoint');
    const wrong = await failures(note.length, async (length) => {
      const report = await verify('ledger/checkpoint', note.subarray(0, length));
      return report.verdict === 'TAMPERED' && report.findings.every(({ place }) => place.file === 'ledger/checkpoint')
        ? undefined
        : brief(report);
    });
    expect(wrong).toEqual([]);
  });

  it('of log.vkey is TAMPERED where it ends', async () => {
    const vkey = content('ledger/log.vkey');
    const wrong = await failures(vkey.length, async (length) => {
      const report = await verify('ledger/log.vkey', vkey.subarray(0, length));
      const { place } = report.findings[0];
      return report.verdict === 'TAMPERED' && place.file === 'ledger/log.vkey' && place.byteOffset === length ? undefined : brief(report);
    });
    expect(wrong).toEqual([]);
  });

  it('of the watermark is ROLLED_BACK without any good slot and TAMPERED otherwise', { timeout: 600_000 }, async () => {
    const watermark = content('ledger/watermark');
    const wrong = await failures(watermark.length, async (length) => {
      const report = await verify('ledger/watermark', watermark.subarray(0, length));
      const expected = length < 132 ? 'ROLLED_BACK' : 'TAMPERED';
      const isPlaced =
        report.findings.every(({ place }) => place.file === 'ledger/watermark') &&
        report.findings.some(({ place }) => place.byteOffset === length);
      return report.verdict === expected && isPlaced ? undefined : brief(report);
    });
    expect(wrong).toEqual([]);
  });
});
