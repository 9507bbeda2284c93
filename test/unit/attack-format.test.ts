import { describe, expect, it } from 'vitest';
import { assemble } from '../../src/attack/assemble.ts';
import { toDraft } from '../../src/attack/draft.ts';
import { forgeCheckpoint } from '../../src/attack/forge-note.ts';
import { forgeWatermark, generationOf } from '../../src/attack/forge-watermark.ts';
import { joinFrames, splitFrames, toSegmentFiles } from '../../src/attack/frames.ts';
import { LedgerView } from '../../src/attack/ledger-view.ts';
import { ThiefKeys } from '../../src/attack/thief-keys.ts';
import { runningEpoch, Thief } from '../../src/attack/thief.ts';
import { attackLedger } from '../support/attack-ledger.ts';
import { makeLedger, segmentPath, writeLedger } from '../support/make-ledger.ts';
import { SAMPLE_REQUESTS } from '../support/sample-ledger.ts';
import { tempDir } from '../support/temp-dir.ts';

/** The attacker's own reading of the format, held to the reference writer that shares no code with it. */
const sealed = attackLedger({ epochs: 8, perEpoch: 6 });
const [firstSecrets] = sealed.epochs;

describe('an attacker with every key', () => {
  const keys = new ThiefKeys({ number: 0, key: firstSecrets.key, seed: firstSecrets.seed }, sealed.ledgerId);

  it('puts a ledger that was taken apart together again, byte for byte', () => {
    const unsealed = makeLedger({ requests: SAMPLE_REQUESTS });
    const rebuilt = assemble(
      unsealed.leaves.map((leaf) => toDraft(leaf)),
      unsealed.ledgerId,
      () => unsealed.hmacKey,
    );
    expect(rebuilt.map((leaf) => leaf.toString('hex'))).toEqual(unsealed.leaves.map((leaf) => Buffer.from(leaf).toString('hex')));
    const again = assemble(
      sealed.leaves.map((leaf) => toDraft(leaf)),
      sealed.ledgerId,
      (epoch) => keys.macKey(epoch),
    );
    expect(again.map((leaf) => leaf.toString('hex'))).toEqual(sealed.leaves.map((leaf) => Buffer.from(leaf).toString('hex')));
  });

  it('derives the keys of all later epochs as the reference does, and signs as they do', () => {
    for (const [epoch, secrets] of sealed.epochs.entries()) {
      expect(Buffer.from(keys.macKey(epoch) ?? [])).toEqual(Buffer.from(secrets.key));
      expect(keys.signingKey(epoch)?.export({ type: 'pkcs8', format: 'pem' })).toBe(
        secrets.signingKey.export({ type: 'pkcs8', format: 'pem' }),
      );
    }
  });

  it('makes the same checkpoint, watermark and segments', () => {
    const epoch = sealed.runningEpoch;
    const checkpoint = Buffer.from(sealed.files.get('ledger/checkpoint') ?? []).toString();
    const signers = [
      { name: sealed.origin, key: sealed.signingKey },
      { name: `${sealed.origin}/epoch/${epoch}`, key: sealed.epochs[epoch].signingKey },
    ];
    expect(forgeCheckpoint(sealed.origin, sealed.leaves, signers)).toBe(checkpoint);
    const own = Buffer.from(sealed.files.get('ledger/watermark') ?? []);
    const newest = generationOf(own);
    const lastLeaf = sealed.leaves[sealed.leaves.length - 1];
    const claim = { epoch, key: sealed.epochs[epoch].key, size: sealed.leaves.length, lastLeaf, checkpoint };
    const forged = forgeWatermark(claim, newest - (newest % 2));
    const at = (newest % 2) * 4096;
    expect(forged.subarray(at, at + 132).toString('hex')).toBe(own.subarray(at, at + 132).toString('hex'));
    const content = Buffer.from(sealed.files.get(segmentPath(0)) ?? []);
    expect(toSegmentFiles(sealed.leaves).get('00000000000000000000.seg')?.equals(content)).toBe(true);
    expect(joinFrames(splitFrames(content).map(({ leaf }) => leaf)).equals(content)).toBe(true);
  });
});

describe('a thief of the disk in epoch n', () => {
  it('has no key of an earlier epoch, and that of each later one', () => {
    const { number, key, seed } = { number: 5, key: sealed.epochs[5].key, seed: sealed.epochs[5].seed };
    const keys = new ThiefKeys({ number, key, seed }, sealed.ledgerId);
    expect([keys.macKey(4), keys.seed(4), keys.signingKey(4)]).toEqual([undefined, undefined, undefined]);
    expect(Buffer.from(keys.macKey(7) ?? [])).toEqual(Buffer.from(sealed.epochs[7].key));
  });

  it('finds in the folder what lies there, and leaves the bytes alone when nothing is to be changed', () => {
    using dir = tempDir();
    writeLedger(sealed.files, dir.path);
    const view = new LedgerView({ dataDir: dir.path });
    const thief = new Thief(view);
    expect(view.leaves().map((leaf) => leaf.toString('hex'))).toEqual(sealed.leaves.map((leaf) => Buffer.from(leaf).toString('hex')));
    expect([view.size(), runningEpoch(view.leaves()), thief.keys.stolenAt]).toEqual([sealed.leaves.length, 8, 8]);
    expect(thief.assemble(thief.drafts()).map((leaf) => leaf.toString('hex'))).toEqual(view.leaves().map((leaf) => leaf.toString('hex')));
    expect(thief.checkpoint(view.leaves())).toBe(Buffer.from(sealed.files.get('ledger/checkpoint') ?? []).toString());
  });
});
