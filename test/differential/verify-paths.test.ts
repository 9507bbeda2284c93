import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseCheckpoint } from '../../src/kernel/note.ts';
import { SegmentPool } from '../../src/verify/fast-pool.ts';
import { ledgerDirectory } from '../../src/verify/ledger-files.ts';
import type { LedgerReport } from '../../src/verify/ledger-report.ts';
import type { SegmentJob } from '../../src/verify/segment-job.ts';
import type { SegmentSummary } from '../../src/verify/segment-summary.ts';
import { verifyLedger, type VerifyLedgerInput } from '../../src/verify/verify-ledger.ts';
import { Dice } from '../support/dice.ts';
import { flipBit, framePlaces, withFile } from '../support/flips.ts';
import type { RequestSpec, Step } from '../support/ledger-builder.ts';
import { LocalChecker } from '../support/local-checker.ts';
import { makeLedger, segmentPath, START_NS, writeLedger, type MadeLedger } from '../support/make-ledger.ts';
import { memoryLedgerFiles } from '../support/memory-ledger-files.ts';
import { ROTATED_TO, SAMPLE_REQUESTS, SEALED_STEPS } from '../support/sample-ledger.ts';
import { testSeed } from '../support/seed.ts';

/**
 * The verifier with segments checked by themselves beside the walk that reads every leaf: the whole report has to be the same, to the
 * last word of every finding. Strictness: deep equality, nothing left out.
 */
const seed = testSeed();
/** Enough to meet every field of every leaf of the small ledgers within a few runs, in a few seconds. */
const FLIPS = 400;

/** Each look at 66,000 leaves takes a second or two on a busy machine. */
const LARGE_TIMEOUT_MS = 180_000;

type Files = ReadonlyMap<string, Uint8Array>;
type Options = Omit<VerifyLedgerInput, 'files' | 'allow' | 'checker'>;

async function bothWays(files: Files, options: Options): Promise<{ report: LedgerReport; answered: number }> {
  const view = memoryLedgerFiles(files);
  const checker = new LocalChecker(view);
  const allow = { unanchored: false, unsealed: false };
  const report = await verifyLedger({ ...options, files: view, allow, checker });
  expect(report).toEqual(await verifyLedger({ ...options, files: view, allow }));
  return { report, answered: checker.answered };
}

const rootKeys = (made: MadeLedger): Options => ({
  hmacKeys: [
    { label: 'verification-0.key', key: made.hmacKey },
    { label: 'verification.key', key: ROTATED_TO.key },
  ],
});
const STRANGER: Options = { hmacKeys: [] };

/** Nine minutes with levels and more tenants than a summary names, in requests of every length, with and without tags. */
function busyRequests(): RequestSpec[] {
  const dice = new Dice(seed, 0);
  return Array.from({ length: 400 }, (_, i) => ({
    timeNs: START_NS + BigInt(i) * 1_370_000_000n,
    ...(dice.once(4) ? { tag: Buffer.alloc(64, i) } : {}),
    leaves: Array.from({ length: 1 + dice.below(4) }, (_leaf, j) => ({
      payload: {
        level: dice.pick(['info', 'warn', 'error']),
        message: 'ä\n'.repeat(dice.below(3)) + String(j),
        tenant: `t${dice.below(90)}`,
      },
    })),
  }));
}

const small: readonly (readonly [string, MadeLedger])[] = [
  ['that does not seal', makeLedger({ requests: SAMPLE_REQUESTS })],
  ['that seals and rotates', makeLedger({ requests: SEALED_STEPS, epochPolicy: 'seal/v1' })],
  [
    'that began to seal later',
    makeLedger({ requests: [...SAMPLE_REQUESTS, { timeNs: START_NS + 203_000_000_000n, beginSealing: true }, ...laterSteps()] }),
  ],
];

function laterSteps(): Step[] {
  const at = (seconds: number): bigint => START_NS + BigInt(seconds) * 1_000_000_000n;
  return [
    { timeNs: at(204), leaves: [{ payload: { message: 'sealed soon' } }] },
    { timeNs: at(205), seal: {} },
    { timeNs: at(206), leaves: [{ payload: { message: 'running' } }] },
  ];
}

describe.each(small)('both ways of checking a small ledger %s', (_, made) => {
  const segment = made.files.get(segmentPath(0)) ?? new Uint8Array(0);

  it('say the same of it intact, with every set of keys', async () => {
    const [own] = made.epochs.slice(-1);
    const ownEpochKey = { label: 'keys/epoch.key', epoch: own.epoch, key: own.key, seed: own.seed };
    for (const options of [rootKeys(made), STRANGER, { hmacKeys: [], ownEpochKey }, { ...rootKeys(made), ownEpochKey }])
      await bothWays(made.files, options);
    expect((await bothWays(made.files, STRANGER)).answered).toBe(1);
  });

  it('say the same of every checkpoint kept elsewhere', async () => {
    for (let size = 1; size <= made.leaves.length; size++) {
      const anchors = [parseCheckpoint(made.signHead(made.leaves.slice(0, size), undefined))];
      const { report } = await bothWays(made.files, { ...rootKeys(made), anchors });
      expect(report.facts.anchoredTo).toBe(size);
    }
  });

  it('say the same of any one bit changed', async () => {
    const dice = new Dice(seed, 1);
    for (let i = 0; i < FLIPS; i++) {
      const damaged = withFile(made.files, segmentPath(0), flipBit(segment, dice.below(segment.length * 8)));
      const keyed = await bothWays(damaged, rootKeys(made));
      expect(keyed.report.exitCode).toBeGreaterThanOrEqual(30);
      await bothWays(damaged, STRANGER);
    }
  });

  it('say the same of it cut anywhere, and with leaves removed, doubled and swapped', async () => {
    const places = framePlaces(made.leaves);
    const dice = new Dice(seed, 2);
    for (let i = 0; i < 60; i++) {
      const cut = segment.subarray(0, dice.below(segment.length));
      const [a, b] = [dice.pick(places), dice.pick(places)];
      const part = (from: number, end?: number): Uint8Array => segment.subarray(from, end);
      const variants = [
        cut,
        Buffer.concat([part(0, a.from), part(a.end)]),
        Buffer.concat([part(0, a.end), part(a.from)]),
        Buffer.concat([part(0, a.from), part(b.from, b.end), part(a.end)]),
        Buffer.concat([segment, part(0, b.end)]),
      ];
      for (const variant of variants) {
        const damaged = withFile(made.files, segmentPath(0), variant);
        const { report } = await bothWays(damaged, rootKeys(made));
        expect(report.verdict).not.toBe('OK_ANCHORED');
        await bothWays(damaged, STRANGER);
      }
    }
  });
});

it('both ways say the same, and soon, of a file that claims a place and an epoch out of reach', async () => {
  const made = makeLedger({ requests: SEALED_STEPS, epochPolicy: 'seal/v1' });
  const far = Buffer.from(made.files.get(segmentPath(0)) ?? new Uint8Array(0));
  far.writeUInt32BE(0xffff_ffff, 2 + 12);
  const startMs = performance.now();
  const { report } = await bothWays(withFile(made.files, segmentPath(2 ** 52), far), rootKeys(made));
  expect(report.verdict).toBe('TAMPERED');
  // Four thousand million steps of the keys would take an hour.
  expect(performance.now() - startMs).toBeLessThan(30_000);
});

it('both ways say the same of minutes with more tenants than a summary names', async () => {
  const made = makeLedger({ requests: busyRequests() });
  const { report, answered } = await bothWays(made.files, rootKeys(made));
  expect([answered, report.findings.map(({ verdict }) => verdict)]).toEqual([1, ['UNSEALED']]);
});

describe('both ways of checking a ledger of two segments', { timeout: LARGE_TIMEOUT_MS }, () => {
  const SEGMENT_LEAVES = 65_536;
  const [first, second] = [segmentPath(0), segmentPath(SEGMENT_LEAVES)];
  let made: MadeLedger;
  const bytesOf = (path: string): Uint8Array => made.files.get(path) ?? new Uint8Array(0);

  beforeAll(() => {
    // A full segment and a bit, in a few minutes and epochs. A minute, a request and an epoch go on across the border.
    const requests: Step[] = [];
    for (let leaves = 1, i = 0; leaves < SEGMENT_LEAVES + 700; i++) {
      const timeNs = START_NS + BigInt(i) * 490_000_000n;
      const count = 100 + ((i * 37) % 83);
      const payload = { level: 'info', message: 'm'.repeat(i % 50), tenant: `t${i % 70}` };
      requests.push({ timeNs, leaves: Array.from({ length: count }, () => ({ payload })) });
      if (i % 90 === 89) requests.push({ timeNs: timeNs + 1n, seal: {} });
      leaves += count;
    }
    made = makeLedger({ requests, epochPolicy: 'seal/v1', requestsPerCommit: 100_000 });
  }, LARGE_TIMEOUT_MS);

  it('take both of them, intact, with all that crosses the border', async () => {
    for (const options of [rootKeys(made), STRANGER]) {
      const { report, answered } = await bothWays(made.files, options);
      expect([answered, report.verdict, report.findings]).toEqual([2, 'OK_UNANCHORED', []]);
    }
  });

  it('say the same of checkpoints that end in, at and beside the border', async () => {
    const sizes = [SEGMENT_LEAVES - 1, SEGMENT_LEAVES, SEGMENT_LEAVES + 1, made.leaves.length];
    const anchors = sizes.map((size) => parseCheckpoint(made.signHead(made.leaves.slice(0, size), undefined)));
    const { report, answered } = await bothWays(made.files, { ...rootKeys(made), anchors });
    expect([answered, report.verdict]).toEqual([2, 'OK_ANCHORED']);
  });

  it('say the same of damage in either, and at their border', async () => {
    const end = bytesOf(first).length;
    const flips = [
      { path: first, at: 300 },
      { path: first, at: Math.floor(end / 2) },
      { path: first, at: end - 1 },
      { path: second, at: 1 },
      { path: second, at: 40 },
    ];
    for (const { path, at } of flips) {
      const { report } = await bothWays(withFile(made.files, path, flipBit(bytesOf(path), at * 8 + 2)), rootKeys(made));
      expect(report.verdict).toBe('TAMPERED');
    }
  });

  it('say the same of segments missing, swapped, cut and emptied', async () => {
    const variants: Files[] = [
      new Map([...made.files].filter(([path]) => path !== first)),
      withFile(withFile(made.files, first, bytesOf(second)), second, bytesOf(first)),
      withFile(made.files, first, bytesOf(first).subarray(0, -100)),
      withFile(made.files, second, new Uint8Array(0)),
      withFile(made.files, first, Buffer.concat([bytesOf(first), bytesOf(second).subarray(0, 2000)])),
    ];
    for (const variant of variants) {
      const { report } = await bothWays(variant, rootKeys(made));
      expect(report.exitCode).toBeGreaterThanOrEqual(30);
    }
  });

  describe('on the disk', () => {
    let dataDir: string;

    beforeAll(() => {
      dataDir = mkdtempSync(join(tmpdir(), 'proofs-verify-paths-'));
      writeLedger(made.files, dataDir);
    });

    afterAll(() => rmSync(dataDir, { recursive: true, force: true }));

    it('say the same from threads, and without them', async () => {
      const files = ledgerDirectory(dataDir);
      const allow = { unanchored: false, unsealed: false };
      const careful = await verifyLedger({ ...rootKeys(made), files, allow });
      const answers: boolean[] = [];
      await using pool = new SegmentPool(dataDir, 2);
      const check = async (job: SegmentJob): Promise<SegmentSummary | undefined> => {
        const summary = await pool.check(job);
        answers.push(summary !== undefined);
        return summary;
      };
      const checker = { segmentsMin: 1, jobsMax: pool.jobsMax, check };
      expect(await verifyLedger({ ...rootKeys(made), files, allow, checker })).toEqual(careful);
      expect(answers).toEqual([true, true]);
      // Threads that have ended answer that they know nothing.
      await pool[Symbol.asyncDispose]();
      expect(await verifyLedger({ ...rootKeys(made), files, allow, checker })).toEqual(careful);
      expect(answers).toEqual([true, true, false, false]);
    });
  });
});
