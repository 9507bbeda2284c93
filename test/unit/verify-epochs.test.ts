import { describe, expect, it } from 'vitest';
import { cosignedMessage, formatCosignature, formatCosignerKey, parseCosignerKey } from '../../src/kernel/cosignature.ts';
import { ed25519FromSeed, rawPublicKey, signEd25519 } from '../../src/kernel/ed25519.ts';
import { nodeHashes } from '../../src/kernel/node-hashes.ts';
import { parseCheckpoint } from '../../src/kernel/note.ts';
import type { EpochKeyCandidate, HmacKeyCandidate } from '../../src/verify/chain-keys.ts';
import type { LedgerReport } from '../../src/verify/ledger-report.ts';
import { verifyLedger, type VerifyLedgerInput } from '../../src/verify/verify-ledger.ts';
import { withFile } from '../support/flips.ts';
import { chainLeaves, type Step } from '../support/ledger-builder.ts';
import {
  filled,
  joinFrames,
  makeLedger,
  makeWatermark,
  segmentPath,
  START_NS,
  type LedgerSpec,
  type MadeLedger,
} from '../support/make-ledger.ts';
import { memoryLedgerFiles } from '../support/memory-ledger-files.ts';
import { ROTATED_TO, SAMPLE_REQUESTS, SEALED_STEPS } from '../support/sample-ledger.ts';

/** Ledgers that seal their epochs: what the rules of an epoch find, and how far each set of keys reaches. */
const made = makeLedger({ epochPolicy: 'seal/v1', requests: SEALED_STEPS });
const SIZE = made.leaves.length;
const ROOTS: readonly HmacKeyCandidate[] = [
  { label: 'verification-0.key', key: made.hmacKey },
  { label: 'verification.key', key: ROTATED_TO.key },
];
const after = (seconds: number): bigint => START_NS + BigInt(Math.round(seconds * 1000)) * 1_000_000n;
const event = (seconds: number, message: string): Step => ({ timeNs: after(seconds), leaves: [{ payload: { message } }] });

type Options = Partial<Omit<VerifyLedgerInput, 'files'>>;

function verify(files: ReadonlyMap<string, Uint8Array>, options: Options = {}): Promise<LedgerReport> {
  return verifyLedger({ files: memoryLedgerFiles(files), hmacKeys: ROOTS, allow: { unanchored: false, unsealed: false }, ...options });
}

const publicly = (files: ReadonlyMap<string, Uint8Array>, options: Options = {}): Promise<LedgerReport> =>
  verify(files, { hmacKeys: [], ...options });

function epochKey(ledger: MadeLedger, epoch: number): EpochKeyCandidate {
  const { key, seed } = ledger.epochs[epoch];
  return { label: 'epoch.key', epoch, key, seed };
}

/** Segments, checkpoint and watermark of other leaves, as the holder of every key would make them. */
function resealed(leaves: readonly Uint8Array[], epoch: number): Map<string, Uint8Array> {
  const checkpoint = made.signHead(leaves, epoch);
  const mac = leaves[leaves.length - 1].subarray(-32);
  const slots = [8, 9].map((generation) => ({ generation, epoch, size: leaves.length, mac, checkpoint }));
  return withFile(made.files, segmentPath(0), joinFrames(leaves))
    .set('ledger/checkpoint', Buffer.from(checkpoint))
    .set(
      'ledger/watermark',
      makeWatermark((of) => made.epochs[of].key, slots),
    );
}

/** The sample with other leaf bodies, chained anew with the right key of each epoch that they state. */
function rebuilt(change: (bodies: Buffer[]) => Buffer[]): Map<string, Uint8Array> {
  const bodies = change(made.leaves.map((leaf) => Buffer.from(leaf.subarray(0, -32))));
  return resealed(
    chainLeaves(bodies, (epoch) => made.epochs[epoch].key, made.ledgerId),
    made.runningEpoch,
  );
}

function sealedWith(fields: Record<string, string | number | boolean>): Map<string, Uint8Array> {
  const requests: Step[] = [event(1, 'a'), { timeNs: after(2), seal: { fields } }, event(3, 'b')];
  return makeLedger({ epochPolicy: 'seal/v1', requests }).files;
}

const renumbered = (bodies: Buffer[]): Buffer[] => bodies.map((body, seq) => (body.writeBigUInt64BE(BigInt(seq), 4), body));
const seqsOf = (type: number): number[] => made.leaves.flatMap((leaf, seq) => (leaf[1] === type ? [seq] : []));
const SEALS = seqsOf(3);
const [ROTATE] = seqsOf(6);

describe('an untouched sealed ledger', () => {
  it('has every MAC checked with the root keys of its lineages, in any order', async () => {
    for (const hmacKeys of [ROOTS, ROOTS.toReversed()]) {
      const { verdict, findings, facts } = await verify(made.files, { hmacKeys });
      expect([verdict, findings, facts.macsChecked, facts.signatures]).toEqual(['OK_UNANCHORED', [], SIZE, 'epoch chain']);
      expect(facts.epochs).toEqual({ running: 6, sealedLeaves: SIZE - 1 });
    }
  });

  it('says which epochs the given keys do not reach', async () => {
    const notChecked = async (options: Options): Promise<string> => (await verify(made.files, options)).notChecked[0];
    const needs = 'not checked: needs the verification key';
    expect(await notChecked({ hmacKeys: [ROOTS[0]] })).toBe(`MACs of epochs 4…6 ${needs}`);
    expect(await notChecked({ hmacKeys: [ROOTS[1]] })).toBe(`MACs of epochs 0…3 ${needs}`);
    expect(await notChecked({ hmacKeys: [], ownEpochKey: epochKey(made, 6) })).toBe(`MACs of epochs 0…5 ${needs}`);
    expect(await notChecked({ hmacKeys: [], epochKeys: [epochKey(made, 2)] })).toMatch(/^MACs of epochs 0…1 /);
  });

  it('says that the leaves of the running epoch can be rewritten, and by whom', async () => {
    const { notChecked } = await verify(made.files);
    expect(notChecked).toContain(`leaves ${SIZE - 1}…${SIZE - 1} lie in the running epoch: whoever holds its key can rewrite them`);
  });

  it('never claims protection against an intruder on the host when all there is is the public key', async () => {
    const { verdict, notChecked } = await publicly(made.files);
    expect(verdict).toBe('OK_UNANCHORED');
    expect(notChecked.join('\n')).toContain('an intruder on the host who held log.key could have rewritten everything');
    expect((await verify(made.files)).notChecked.join('\n')).not.toContain('could have rewritten everything');
  });

  it('that ends with a final seal is finally sealed, with no running leaves to rewrite', async () => {
    const ended = makeLedger({ epochPolicy: 'seal/v1', requests: [event(1, 'a'), { timeNs: after(2), seal: { final: true } }] });
    const { facts, notChecked } = await verify(ended.files);
    expect([facts.isFinallySealed, notChecked.some((line) => line.includes('running epoch'))]).toEqual([true, false]);
    expect((await verify(made.files)).facts.isFinallySealed).toBe(false);
  });

  it('that began to seal late is not UNSEALED, and says what lies before', async () => {
    const requests: Step[] = [
      ...SAMPLE_REQUESTS,
      { timeNs: after(300), beginSealing: true },
      { timeNs: after(301), seal: {} },
      event(302, 'b'),
    ];
    const late = makeLedger({ requests });
    for (const report of [await verify(late.files), await publicly(late.files)]) {
      expect([report.verdict, report.findings, report.facts.signatures]).toEqual(['OK_UNANCHORED', [], 'epoch chain']);
      expect(report.notChecked.join('\n')).toMatch(/leaves 0…\d+ were written before the ledger began to seal/);
    }
  });
});

describe('breaches of the epochs that carry good MACs and signatures', () => {
  it.each<[string, Record<string, string | number | boolean>, string]>([
    ['another epoch', { epoch: 1 }, 'states epoch 0'],
    ['another first leaf', { firstSeq: 1 }, 'states firstSeq 0'],
    ['another count', { count: 3 }, 'states count 2'],
    ['another last MAC', { lastMac: '0'.repeat(64) }, 'states lastMac'],
    ['another opening time', { openedNs: String(START_NS + 1n) }, `states openedNs ${START_NS}`],
    ['a next key of another epoch', { nextEpochKey: made.epochs[2].verifierKey }, 'the verifier key of epoch 1'],
    ['a next key that is none', { nextEpochKey: 'nobody' }, 'the payload that its type prescribes'],
    ['a number with a leading zero', { wallNs: '01' }, 'the payload that its type prescribes'],
  ])('finds a seal that states %s', async (_, fields, expected) => {
    const files = sealedWith(fields);
    for (const report of [await verify(files), await publicly(files)]) {
      expect([report.verdict, report.findings[0].place.seqFirst]).toEqual(['TAMPERED', 2]);
      expect(report.findings[0].expected).toContain(expected);
    }
  });

  it('finds a monotonic clock that goes back within one boot, and lets another boot begin anew', async () => {
    const seals = (bootId: string): Map<string, Uint8Array> =>
      makeLedger({
        epochPolicy: 'seal/v1',
        requests: [
          { timeNs: after(1), seal: { bootId: 'a', monotonicNs: 1000n } },
          { timeNs: after(2), seal: { bootId, monotonicNs: 999n } },
        ],
      }).files;
    expect((await verify(seals('a'))).findings[0]).toMatchObject({ verdict: 'TAMPERED', place: { seqFirst: 2 } });
    expect((await verify(seals('b'))).verdict).toBe('OK_UNANCHORED');
  });

  it.each<[string, number, string, (bodies: Buffer[]) => Buffer[]]>([
    ['a seal taken out', SEALS[1], 'without a seal of epoch 1', (bodies) => renumbered(bodies.filter((_, seq) => seq !== SEALS[1]))],
    [
      'two seals of one epoch',
      SEALS[0] + 1,
      'a second seal of epoch 0',
      (bodies) => renumbered(bodies.toSpliced(SEALS[0] + 1, 0, Buffer.from(bodies[SEALS[0]]))),
    ],
    [
      'a leaf of an epoch that was sealed',
      SEALS[0] + 1,
      'which was sealed before',
      (bodies) => (bodies[SEALS[0] + 1].writeUInt32BE(0, 12), bodies),
    ],
    ['a jump to a later epoch', 1, 'without a seal of epoch 0', (bodies) => (bodies[1].writeUInt32BE(3, 12), bodies)],
    ['a seal inside a request', SEALS[1], 'inside a request', (bodies) => (bodies[SEALS[1] - 1].writeUInt16BE(0, 2), bodies)],
    [
      'a rotation without its seal',
      ROTATE + 1,
      'a leaf of type 2',
      (bodies) => (
        (bodies[ROTATE + 1] = Buffer.concat([bodies[ROTATE + 1].subarray(0, 24), Buffer.from('{"message":"x"}')])),
        (bodies[ROTATE + 1][1] = 2),
        bodies
      ),
    ],
  ])('finds %s', async (_, seq, found, change) => {
    const files = rebuilt(change);
    for (const report of [await verify(files), await publicly(files)]) {
      expect(report.verdict).toBe('TAMPERED');
      expect(report.findings[0].place).toMatchObject({ seqFirst: seq });
      expect(report.findings[0].found).toContain(found);
    }
  });

  it('names sealing that was switched off, or that stopped, a DOWNGRADE', async () => {
    const off: Step = { timeNs: after(1), leaves: [{ type: 8, payload: { epochKey: made.epochs[0].verifierKey, epochPolicy: 'none' } }] };
    const minutes = Array.from({ length: 12 }, (_, minute) => event(minute * 60, `minute ${minute}`));
    for (const requests of [[off], minutes]) {
      const { files } = makeLedger({ epochPolicy: 'seal/v1', requests });
      for (const report of [await verify(files), await publicly(files)])
        expect([report.verdict, report.findings.length]).toEqual(['DOWNGRADE', 1]);
    }
  });

  it('names zeros in the place of MACs a DOWNGRADE', async () => {
    const leaves = made.leaves.map((leaf, seq) => (seq < SEALS[2] ? leaf : Buffer.concat([leaf.subarray(0, -32), filled(32, 0)])));
    for (const report of [await verify(resealed(leaves, 6)), await publicly(resealed(leaves, 6))]) expect(report.verdict).toBe('DOWNGRADE');
  });

  it('finds a seal in a ledger that says that it does not seal', async () => {
    const { files } = makeLedger({ requests: [event(1, 'a'), { timeNs: after(2), seal: {} }] });
    expect((await verify(files)).findings[0]).toMatchObject({ verdict: 'TAMPERED', place: { seqFirst: 2 } });
  });
});

describe('the second signature', () => {
  it('missing or by another key is TAMPERED at the checkpoint', async () => {
    for (const epoch of [undefined, 5]) {
      const note = Buffer.from(made.signHead(made.leaves, epoch));
      const { verdict, findings } = await publicly(withFile(made.files, 'ledger/checkpoint', note));
      expect([verdict, findings[0].place.file]).toEqual(['TAMPERED', 'ledger/checkpoint']);
      expect(findings.map(({ expected }) => expected)).toContain('a signature of the key that the seals give for epoch 6');
    }
  });
});

describe('cosignatures of witnesses', () => {
  const key = ed25519FromSeed(filled(32, 0x31));
  const publicKey = rawPublicKey(key);
  const witness = parseCosignerKey(nodeHashes, formatCosignerKey(nodeHashes, 'peer.example/witness', publicKey));
  const cosigned = (size: number): string => {
    const note = made.signHead(made.leaves.slice(0, size), undefined);
    const message = cosignedMessage(parseCheckpoint(note).text, 1_767_400_000);
    return note + formatCosignature(witness, 1_767_400_000, signEd25519(key, message));
  };

  it('count on the checkpoint and on anchors that the ledger contains', async () => {
    const whole = await publicly(made.files, { anchors: [parseCheckpoint(cosigned(SIZE))], witnesses: [witness] });
    expect([whole.verdict, whole.facts.signatures, whole.facts.witnesses]).toEqual(['OK_ANCHORED', 'witnessed', ['peer.example/witness']]);
    const older = await publicly(made.files, { anchors: [parseCheckpoint(cosigned(5))], witnesses: [witness] });
    expect([older.verdict, older.facts.signatures, older.facts.witnesses]).toEqual([
      'OK_UNANCHORED',
      'epoch chain',
      ['peer.example/witness'],
    ]);
    const none = await publicly(made.files, { witnesses: [witness] });
    expect(none.notChecked).toContain('cosignatures: 0 of 1 witnesses cosigned what was given');
  });
});

describe('keys beside a sealed ledger', () => {
  const cutTo = (size: number, epoch: number): Map<string, Uint8Array> => resealed(made.leaves.slice(0, size), epoch);

  it('tell an end that was cut off together with watermark and checkpoint: TRUNCATED', async () => {
    const files = cutTo(SEALS[4] + 1, 5);
    for (const options of [{}, { hmacKeys: [] }]) {
      const { verdict, findings } = await verify(files, { ownEpochKey: epochKey(made, 6), ...options });
      expect([verdict, findings[0].place.seqFirst]).toEqual(['TRUNCATED', SEALS[4] + 1]);
    }
    expect((await verify(files)).verdict).toBe('OK_UNANCHORED');
  });

  it('of the epoch before the running one are those of a crash, and of an earlier one a KEY_MISMATCH', async () => {
    expect((await verify(made.files, { ownEpochKey: epochKey(made, 5) })).verdict).toBe('OK_UNANCHORED');
    expect((await verify(made.files, { ownEpochKey: epochKey(made, 4) })).verdict).toBe('KEY_MISMATCH');
  });

  it('that do not descend from the root key, or sign as somebody else, are a KEY_MISMATCH', async () => {
    const own = epochKey(made, 6);
    for (const wrong of [
      { ...own, key: filled(32, 1) },
      { ...own, seed: filled(32, 1) },
    ]) {
      for (const options of [{}, { hmacKeys: [] }]) {
        const report = await verify(made.files, { ownEpochKey: wrong, ...options });
        expect([report.verdict, report.findings.map(({ place }) => place.file)]).toEqual(['KEY_MISMATCH', ['keys/epoch.key']]);
      }
    }
  });

  it('of another ledger are a KEY_MISMATCH', async () => {
    const { verdict, findings } = await verify(made.files, { hmacKeys: [{ label: 'other.key', key: filled(32, 1) }] });
    expect([verdict, findings[0].found]).toEqual(['KEY_MISMATCH', 'the key in "other.key"']);
  });
});

describe('a thief with every secret of the running epoch', () => {
  const spec: LedgerSpec = {
    epochPolicy: 'seal/v1',
    requests: [event(1, 'the deed'), { timeNs: after(2), seal: {} }, event(3, 'b'), { timeNs: after(4), seal: {} }, event(5, 'c')],
  };
  const truth = makeLedger(spec);
  // Seeds and MAC keys of epochs 0 and 1 are gone: invented anew, and the log key signs all of it.
  const lie = makeLedger({
    ...spec,
    requests: [event(1, 'no deed'), ...spec.requests.slice(1)],
    epochSeed: filled(32, 0x55),
    genesis: {
      keyCommitment: Buffer.from(truth.leaves[0].subarray(24, -32))
        .toString()
        .match(/"keyCommitment":"(\w+)"/)?.[1],
    },
    hmacKey: filled(32, 0x66),
  });
  const kept = parseCheckpoint(truth.signHead(truth.leaves.slice(0, 3), 1));

  it('is found by the root key, and by a checkpoint kept elsewhere', async () => {
    const rooted = await verify(lie.files, { hmacKeys: [{ label: 'verification.key', key: truth.hmacKey }] });
    expect(rooted.exitCode).toBeGreaterThanOrEqual(31);
    expect((await publicly(lie.files, { anchors: [kept] })).verdict).toBe('FORKED');
  });

  it('passes before a stranger, who is told so', async () => {
    const { verdict, notChecked } = await publicly(lie.files);
    expect(verdict).toBe('OK_UNANCHORED');
    expect(notChecked.join('\n')).toContain('could have rewritten everything');
  });
});

describe('several anchors', () => {
  it('all count, and the largest says how far the ledger is anchored', async () => {
    const anchors = [3, SIZE, 7].map((size) => parseCheckpoint(made.signHead(made.leaves.slice(0, size), undefined)));
    const { verdict, facts } = await publicly(made.files, { anchors });
    expect([verdict, facts.anchoredTo]).toEqual(['OK_ANCHORED', SIZE]);
    const part = await publicly(made.files, { anchors: [anchors[0], anchors[2]] });
    expect([part.verdict, part.facts.anchoredTo]).toEqual(['OK_UNANCHORED', 7]);
  });
});
