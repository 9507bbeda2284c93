import { describe, expect, it } from 'vitest';
import type { LedgerReport } from '../../src/verify/ledger-report.ts';
import { verifyLedger, type VerifyLedgerInput } from '../../src/verify/verify-ledger.ts';
import { parseCheckpoint } from '../../src/kernel/note.ts';
import { chainLeaves, type Step } from '../support/ledger-builder.ts';
import { makeIndex, prunedPath, withChecksum } from '../support/make-index.ts';
import { filled, joinFrames, makeLedger, makeWatermark, segmentPath, START_NS } from '../support/make-ledger.ts';
import { memoryLedgerFiles } from '../support/memory-ledger-files.ts';
import { signCheckpoint, treeRoot } from '../support/reference-crypto.ts';
import { keyCommitment } from '../support/reference-epochs.ts';

/** A ledger of three segments, of which retention has removed the second; a rotation lies among the removed leaves. */
const SEGMENT = 65_536;
const SECOND_ROOT = { key: filled(32, 0x88), seed: filled(32, 0x99) };
const after = (seconds: number): bigint => START_NS + BigInt(seconds) * 1_000_000_000n;
const events = (seconds: number, count: number): Step => ({
  timeNs: after(seconds),
  leaves: Array.from({ length: count }, (_, i) => ({ payload: { message: `m${seconds}.${i}` } })),
});
const PRUNED: Step = { timeNs: after(31), leaves: [{ type: 8, payload: { archive: '', pruned: { before: 2 * SEGMENT, from: SEGMENT } } }] };

const requests: Step[] = [
  events(1, 60_000),
  { timeNs: after(2), seal: {} },
  events(10, 30_000),
  { timeNs: after(11), seal: { rotateTo: SECOND_ROOT } },
  events(20, 45_000),
  { timeNs: after(21), seal: {} },
  events(30, 2),
  PRUNED,
  { timeNs: after(32), seal: {} },
];
const made = makeLedger({ epochPolicy: 'seal/v1', requests, requestsPerCommit: 100 });
const SIZE = made.leaves.length;
const index = makeIndex({
  first: SEGMENT,
  leaves: made.leaves.slice(SEGMENT, 2 * SEGMENT),
  epoch: 2,
  facts: { lineages: [{ commitment: keyCommitment(SECOND_ROOT.key, made.ledgerId), firstEpoch: 2 }], sealing: true },
});

function pruned(files: ReadonlyMap<string, Uint8Array>, left: Uint8Array | undefined = index): Map<string, Uint8Array> {
  const rest = new Map(files);
  rest.delete(segmentPath(SEGMENT));
  if (left !== undefined) rest.set(prunedPath(SEGMENT), left);
  return rest;
}

const ROOTS = [
  { label: 'verification-0.key', key: made.hmacKey },
  { label: 'verification.key', key: SECOND_ROOT.key },
];

function verify(files: ReadonlyMap<string, Uint8Array>, options: Partial<VerifyLedgerInput> = {}): Promise<LedgerReport> {
  return verifyLedger({ files: memoryLedgerFiles(files), hmacKeys: ROOTS, allow: { unanchored: false, unsealed: false }, ...options });
}

/** The ledger up to the config leaf, and what another one in its place says; without any when undefined. */
function withConfig(pruning: string | undefined): Map<string, Uint8Array> {
  const at = SIZE - 2;
  const { key } = made.epochs[3];
  const header = made.leaves[at].subarray(0, 24);
  const bodies = pruning === undefined ? [] : [Buffer.concat([header, Buffer.from(pruning)])];
  const leaves = [...made.leaves.slice(0, at), ...chainLeaves(bodies, key, made.ledgerId, made.leaves[at - 1].subarray(-32))];
  const checkpoint = made.signHead(leaves, 3);
  const slots = [8, 9].map((generation) => ({
    generation,
    epoch: 3,
    size: leaves.length,
    mac: leaves[leaves.length - 1].subarray(-32),
    checkpoint,
  }));
  return new Map(made.files)
    .set(segmentPath(2 * SEGMENT), joinFrames(leaves.slice(2 * SEGMENT)))
    .set('ledger/checkpoint', Buffer.from(checkpoint))
    .set('ledger/watermark', makeWatermark(key, slots));
}

/** The index with other bytes at a place, and a checksum that fits. */
function edited(at: number, bytes: Uint8Array): Buffer {
  const content = Buffer.from(index.subarray(0, -32));
  content.set(bytes, at);
  return withChecksum(content);
}

describe('a ledger whose second segment was removed', () => {
  it('verifies with the root keys over the gap and the rotation in it, and with the public key, and says what was not read', async () => {
    const whole = await verify(made.files);
    expect([whole.verdict, whole.findings, whole.facts.macsChecked]).toEqual(['OK_UNANCHORED', [], SIZE]);
    const keyed = await verify(pruned(made.files));
    expect([keyed.verdict, keyed.findings, keyed.facts.pruned]).toEqual(['OK_UNANCHORED', [], SEGMENT]);
    expect([keyed.facts.macsChecked, keyed.facts.root, keyed.facts.signatures]).toEqual([SIZE - SEGMENT, whole.facts.root, 'epoch chain']);
    expect(keyed.notChecked.join('\n')).toContain(`leaves ${SEGMENT}…${2 * SEGMENT - 1} were removed and not read`);
    expect((await verify(pruned(made.files), { hmacKeys: [] })).verdict).toBe('OK_UNANCHORED');
  });

  it('is anchored by checkpoints whose size is a multiple of 256 among the removed leaves, and says so of others', async () => {
    const anchor = (size: number) =>
      parseCheckpoint(signCheckpoint(made.origin, size, treeRoot(made.leaves.slice(0, size)), made.signingKey));
    const even = await verify(pruned(made.files), { anchors: [anchor(SEGMENT + 512)] });
    expect(even.facts.anchoredTo).toBe(SEGMENT + 512);
    const odd = await verify(pruned(made.files), { anchors: [anchor(SEGMENT + 1)] });
    expect([odd.verdict, odd.facts.anchoredTo]).toEqual(['OK_UNANCHORED', null]);
    expect(odd.notChecked).toContain(`the anchor of ${SEGMENT + 1} leaves: it ends among removed ones`);
  });

  it('is TAMPERED when no config leaf states the removal, or states less', async () => {
    const less = `{"archive":"","pruned":{"before":${SEGMENT + 256},"from":${SEGMENT}}}`;
    for (const pruning of [undefined, less]) {
      const { verdict, findings } = await verify(pruned(withConfig(pruning)));
      expect([verdict, findings[0].place.seqFirst, findings[0].place.seqLast]).toEqual(['TAMPERED', SEGMENT, 2 * SEGMENT - 1]);
      expect(findings[0].expected).toContain('a config leaf');
    }
  });

  it('is TAMPERED when nothing is left of the segment, or damaged', async () => {
    const gone = pruned(made.files);
    gone.delete(prunedPath(SEGMENT));
    const missing = await verify(gone);
    expect([missing.verdict, missing.findings[0].place.seqFirst, missing.findings[0].place.seqLast]).toEqual([
      'TAMPERED',
      SEGMENT,
      2 * SEGMENT - 1,
    ]);
    const flipped = Buffer.from(index);
    flipped[200] ^= 1;
    const damaged = await verify(pruned(made.files, flipped));
    expect([damaged.verdict, damaged.findings[0].place.file]).toEqual(['TAMPERED', prunedPath(SEGMENT)]);
  });

  it('is TAMPERED when its index was edited by somebody who mends the checksum', async () => {
    const root = await verify(pruned(made.files, edited(96 + 12, filled(32, 7))));
    expect([root.verdict, root.findings[0].expected]).toEqual(['TAMPERED', expect.stringContaining('the signed root')]);
    const mac = await verify(pruned(made.files, edited(52, filled(32, 7))));
    expect([mac.verdict, mac.findings[0].place.seqFirst]).toEqual(['TAMPERED', 2 * SEGMENT]);
  });

  it('is TAMPERED when the genesis segment is the one that is gone', async () => {
    const headless = new Map(made.files);
    headless.delete(segmentPath(0));
    expect((await verify(headless)).verdict).toBe('TAMPERED');
  });

  it('may have an index of segments that are there, which is not believed, and names that are not its own, which are told', async () => {
    const files = new Map(pruned(made.files))
      .set('ledger/index/00000000000000000000.idx', filled(5, 1))
      .set('ledger/pruned/x.txt', filled(1, 1));
    const { verdict, findings } = await verify(files);
    expect([verdict, findings.map(({ verdict: own, place }) => [own, place.file])]).toEqual([
      'OK_UNANCHORED',
      [['WARNING', 'ledger/pruned/x.txt']],
    ]);
  });
});
