import { describe, expect, it } from 'vitest';
import { parseEpochKey } from '../../src/verify/key-text.ts';
import type { Finding } from '../../src/verify/finding.ts';
import type { LedgerReport } from '../../src/verify/ledger-report.ts';
import { verifyLedger, type VerifyLedgerInput } from '../../src/verify/verify-ledger.ts';
import { flipBit, framePlaces, withFile } from '../support/flips.ts';
import { filled, makeLedger, segmentPath, START_NS } from '../support/make-ledger.ts';
import { memoryLedgerFiles } from '../support/memory-ledger-files.ts';
import { ROTATED_TO } from '../support/sample-ledger.ts';

/** Every single-bit change and every truncation of every file of a small ledger that seals: the right verdict, at the right place. */
const after = (seconds: number): bigint => START_NS + BigInt(seconds * 1000) * 1_000_000n;
const made = makeLedger({
  epochPolicy: 'seal/v1',
  requests: [
    { timeNs: after(1), tag: filled(64, 0x44), leaves: [{ payload: { message: 'first' } }, { payload: { message: 'second' } }] },
    { timeNs: after(2), seal: {} },
    { timeNs: after(3), leaves: [{ payload: { level: 'info', message: 'in epoch 1' } }] },
    { timeNs: after(4), seal: { rotateTo: ROTATED_TO } },
    { timeNs: after(5), leaves: [{ payload: { message: 'in the running epoch' } }] },
  ],
});
const segment = segmentPath(0);
const places = framePlaces(made.leaves);
const EPOCH_KEY = 'keys/epoch.key';
const ROOTS = [
  { label: 'verification-0.key', key: made.hmacKey },
  { label: 'verification.key', key: ROTATED_TO.key },
];

function content(path: string): Uint8Array {
  const bytes = made.files.get(path);
  if (bytes === undefined) throw new Error(`the sample has no ${path}`);
  return bytes;
}

type Keys = Pick<VerifyLedgerInput, 'hmacKeys' | 'ownEpochKey' | 'warnings'>;
const STRANGER: Keys = { hmacKeys: [] };

/** What log verify reads from the folder of keys, with the bytes of epoch.key. */
function keysWith(epochKey: Uint8Array, hmacKeys = ROOTS): Keys {
  const ownEpochKey = parseEpochKey('epoch.key', epochKey);
  const damaged: Finding = { verdict: 'KEY_MISMATCH', place: { file: EPOCH_KEY }, expected: 'an epoch.key', found: 'something else' };
  return { hmacKeys, ownEpochKey, warnings: ownEpochKey === undefined ? [damaged] : [] };
}

function verify(files: ReadonlyMap<string, Uint8Array>, keys: Keys): Promise<LedgerReport> {
  return verifyLedger({ files: memoryLedgerFiles(files), ...keys, allow: { unanchored: true, unsealed: false } });
}

const KEYED = keysWith(content(EPOCH_KEY));
const ON_HOST = keysWith(content(EPOCH_KEY), []);

function brief(report: LedgerReport): string {
  return `${report.verdict} ${JSON.stringify(report.findings.slice(0, 3))}`;
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

const isDetected = ({ exitCode }: LedgerReport): boolean => exitCode >= 30 && exitCode <= 35;

describe('an untouched sealed ledger', () => {
  it('is OK with every set of keys, with a signature that follows the seals', async () => {
    for (const keys of [KEYED, ON_HOST, STRANGER]) {
      const report = await verify(made.files, keys);
      expect([report.verdict, report.findings, report.facts.signatures]).toEqual(['OK_UNANCHORED', [], 'epoch chain']);
    }
  });
});

describe('every single-bit flip of a sealed ledger', () => {
  const bytes = content(segment);

  it('in a leaf, a seal or a rotation is TAMPERED and names exactly the leaf, with the root keys', { timeout: 600_000 }, async () => {
    const wrong = await failures(bytes.length * 8, async (bit) => {
      const report = await verify(withFile(made.files, segment, flipBit(bytes, bit)), KEYED);
      const hit = places.find(({ end }) => bit >> 3 < end);
      const isPlaced = report.findings.every(
        ({ place }) =>
          place.file === segment && place.seqFirst === hit?.seq && place.seqLast === hit?.seq && place.byteOffset === hit?.from,
      );
      return report.verdict === 'TAMPERED' && report.findings.length === 1 && isPlaced ? undefined : `leaf ${hit?.seq} ${brief(report)}`;
    });
    expect(wrong).toEqual([]);
  });

  it('in a leaf, a seal or a rotation is detected with the public key alone', { timeout: 600_000 }, async () => {
    const wrong = await failures(bytes.length * 8, async (bit) => {
      const report = await verify(withFile(made.files, segment, flipBit(bytes, bit)), STRANGER);
      return isDetected(report) ? undefined : brief(report);
    });
    expect(wrong).toEqual([]);
  });

  it('in a leaf is detected with what lies on the machine, the root keys being elsewhere', { timeout: 600_000 }, async () => {
    // Every third bit: the same walk as a stranger's before the running epoch.
    const wrong = await failures(Math.floor((bytes.length * 8) / 3), async (index) => {
      const report = await verify(withFile(made.files, segment, flipBit(bytes, index * 3)), ON_HOST);
      return isDetected(report) ? undefined : brief(report);
    });
    expect(wrong).toEqual([]);
  });

  it.each(['ledger/checkpoint', 'ledger/log.vkey'])('in %s is TAMPERED there, by anybody', { timeout: 600_000 }, async (path) => {
    const file = content(path);
    for (const keys of [KEYED, STRANGER]) {
      const wrong = await failures(file.length * 8, async (bit) => {
        const report = await verify(withFile(made.files, path, flipBit(file, bit)), keys);
        const isPlaced = report.findings.every(({ place }) => place.file === path);
        return report.verdict === 'TAMPERED' && isPlaced ? undefined : brief(report);
      });
      expect(wrong).toEqual([]);
    }
  });

  it('in a watermark slot is TAMPERED at that slot, with the root keys or with epoch.key alone', { timeout: 600_000 }, async () => {
    const watermark = content('ledger/watermark');
    const slotBits = 132 * 8;
    for (const keys of [KEYED, ON_HOST]) {
      const wrong = await failures(2 * slotBits, async (index) => {
        const slot = Math.floor(index / slotBits);
        const report = await verify(
          withFile(made.files, 'ledger/watermark', flipBit(watermark, slot * 4096 * 8 + (index % slotBits))),
          keys,
        );
        const [finding] = report.findings;
        const isPlaced =
          report.findings.length === 1 && finding.expected.endsWith(`(watermark slot ${slot})`) && finding.place.byteOffset === slot * 4096;
        return report.verdict === 'TAMPERED' && isPlaced ? undefined : brief(report);
      });
      expect(wrong).toEqual([]);
    }
  });

  it('in epoch.key is KEY_MISMATCH there, with the root keys', async () => {
    const file = content(EPOCH_KEY);
    const wrong = await failures(file.length * 8, async (bit) => {
      const report = await verify(made.files, keysWith(flipBit(file, bit)));
      const isPlaced = report.findings.every(({ place }) => place.file === EPOCH_KEY);
      return report.verdict === 'KEY_MISMATCH' && isPlaced ? undefined : brief(report);
    });
    expect(wrong).toEqual([]);
  });

  it('in epoch.key is detected without the root keys', async () => {
    const file = content(EPOCH_KEY);
    const wrong = await failures(file.length * 8, async (bit) => {
      const report = await verify(made.files, keysWith(flipBit(file, bit), []));
      return isDetected(report) ? undefined : brief(report);
    });
    expect(wrong).toEqual([]);
  });
});

describe('every truncation of a sealed ledger', () => {
  it('of a segment is TRUNCATED from the first missing leaf on', { timeout: 600_000 }, async () => {
    const bytes = content(segment);
    for (const keys of [KEYED, ON_HOST, STRANGER]) {
      const wrong = await failures(bytes.length, async (length) => {
        const report = await verify(withFile(made.files, segment, bytes.subarray(0, length)), keys);
        const firstMissing = places.find(({ end }) => length < end);
        const isPlaced = report.findings.some(
          ({ verdict, place }) =>
            verdict === 'TRUNCATED' && place.seqFirst === firstMissing?.seq && place.seqLast === made.leaves.length - 1,
        );
        return isDetected(report) && isPlaced ? undefined : brief(report);
      });
      expect(wrong).toEqual([]);
    }
  });

  it('of epoch.key is KEY_MISMATCH there', async () => {
    const file = content(EPOCH_KEY);
    const wrong = await failures(file.length, async (length) => {
      const report = await verify(made.files, keysWith(file.subarray(0, length)));
      return report.verdict === 'KEY_MISMATCH' && report.findings.every(({ place }) => place.file === EPOCH_KEY)
        ? undefined
        : brief(report);
    });
    expect(wrong).toEqual([]);
  });

  it.each(['ledger/checkpoint', 'ledger/log.vkey'])('of %s is TAMPERED there', async (path) => {
    const file = content(path);
    const wrong = await failures(file.length, async (length) => {
      const report = await verify(withFile(made.files, path, file.subarray(0, length)), KEYED);
      return report.verdict === 'TAMPERED' && report.findings.every(({ place }) => place.file === path) ? undefined : brief(report);
    });
    expect(wrong).toEqual([]);
  });

  it('of the watermark is ROLLED_BACK without any good slot and TAMPERED otherwise', { timeout: 600_000 }, async () => {
    const watermark = content('ledger/watermark');
    const wrong = await failures(Math.floor(watermark.length / 7), async (index) => {
      const report = await verify(withFile(made.files, 'ledger/watermark', watermark.subarray(0, index * 7)), KEYED);
      return report.verdict === (index * 7 < 132 ? 'ROLLED_BACK' : 'TAMPERED') ? undefined : brief(report);
    });
    expect(wrong).toEqual([]);
  });
});
