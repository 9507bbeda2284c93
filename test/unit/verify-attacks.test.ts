import { describe, expect, it } from 'vitest';
import { parseCheckpoint, type SignedCheckpoint } from '../../src/kernel/note.ts';
import type { LedgerReport } from '../../src/verify/ledger-report.ts';
import { verifyLedger, type VerifyLedgerInput } from '../../src/verify/verify-ledger.ts';
import { flipBit, framePlaces, withFile } from '../support/flips.ts';
import { chainLeaves } from '../support/ledger-builder.ts';
import {
  filled,
  joinFrames,
  makeLedger,
  makeWatermark,
  segmentPath,
  START_NS,
  toSegments,
  type MadeLedger,
} from '../support/make-ledger.ts';
import { seededSigningKey, signCheckpoint, toVerifierKey, treeRoot } from '../support/reference-crypto.ts';
import { memoryLedgerFiles } from '../support/memory-ledger-files.ts';
import { SAMPLE_REQUESTS } from '../support/sample-ledger.ts';

/** What a thief or a clumsy hand does to a folder, and what the verifier must say. */
const made = makeLedger({ requests: SAMPLE_REQUESTS });
const LAST = made.leaves.length - 1;
const other = makeLedger({
  requests: SAMPLE_REQUESTS,
  ledgerId: filled(16, 0x55),
  signingSeed: filled(32, 0x66),
  hmacKey: filled(32, 0x77),
});

type Options = Partial<Omit<VerifyLedgerInput, 'files'>>;

function verify(files: ReadonlyMap<string, Uint8Array>, options: Options = {}): Promise<LedgerReport> {
  const hmacKeys = [{ label: 'hmac.key', key: made.hmacKey }];
  return verifyLedger({ files: memoryLedgerFiles(files), hmacKeys, allow: { unanchored: false, unsealed: true }, ...options });
}

const publicly = (files: ReadonlyMap<string, Uint8Array>, options: Options = {}): Promise<LedgerReport> =>
  verify(files, { hmacKeys: [], ...options });

function withLeaves(leaves: readonly Uint8Array[], ledger: MadeLedger = made): Map<string, Uint8Array> {
  return withFile(ledger.files, segmentPath(0), joinFrames(leaves));
}

const body = (leaf: Uint8Array): Uint8Array => leaf.subarray(0, -32);

function edited(leaf: Uint8Array, from: string, to: string): Buffer {
  const text = Buffer.from(leaf).toString('latin1');
  if (!text.includes(from)) throw new Error(`the leaf does not hold "${from}"`);
  return Buffer.from(text.replace(from, to), 'latin1');
}

/** Checkpoint and watermark of these leaves as the owner of both keys would make them. */
function resealed(leaves: readonly Uint8Array[], generation = 9): Map<string, Uint8Array> {
  const size = leaves.length;
  const checkpoint = signCheckpoint(made.origin, size, treeRoot(leaves), made.signingKey);
  const mac = leaves[size - 1].subarray(-32);
  const slots = [generation - 1, generation].map((number) => ({ generation: number, size, mac, checkpoint }));
  const files = new Map([...made.files].filter(([path]) => !path.startsWith('ledger/segments/')));
  for (const [path, content] of toSegments(leaves)) files.set(path, content);
  return files.set('ledger/checkpoint', Buffer.from(checkpoint)).set('ledger/watermark', makeWatermark(made.hmacKey, slots));
}

const ranges = (report: LedgerReport): unknown[] => report.findings.map(({ verdict, place }) => [verdict, place.seqFirst, place.seqLast]);

describe('an untouched ledger', () => {
  it('is OK_UNANCHORED with and without the HMAC key, and says what was not checked', async () => {
    const keyed = await verify(made.files);
    expect([keyed.verdict, keyed.exitCode, keyed.findings, keyed.facts.macsChecked]).toEqual(['OK_UNANCHORED', 10, [], made.leaves.length]);
    expect(keyed.notChecked.some((text) => text.includes('--anchor'))).toBe(true);
    const stranger = await publicly(made.files);
    expect([stranger.verdict, stranger.findings]).toEqual(['OK_UNANCHORED', []]);
    expect(stranger.notChecked.some((text) => text.startsWith(`the MACs of ${made.leaves.length} leaves`))).toBe(true);
  });

  it('may have an origin of any letters and signs that a key name allows', async () => {
    const named = makeLedger({ requests: SAMPLE_REQUESTS, origin: 'größe/"\\logs"/日本' });
    for (const report of [await verify(named.files), await publicly(named.files)]) {
      expect([report.verdict, report.findings, report.facts.origin]).toEqual(['OK_UNANCHORED', [], named.origin]);
    }
  });

  it('is UNSEALED unless that is allowed', async () => {
    const report = await verify(made.files, { allow: { unanchored: true, unsealed: false } });
    expect([report.verdict, report.exitCode]).toEqual(['UNSEALED', 21]);
  });

  it('is OK_ANCHORED with an anchor of its size, and unanchored with an older one', async () => {
    const anchor = (size: number): SignedCheckpoint =>
      parseCheckpoint(signCheckpoint(made.origin, size, treeRoot(made.leaves.slice(0, size)), made.signingKey));
    const whole = await verify(made.files, { anchors: [anchor(made.leaves.length)] });
    expect([whole.verdict, whole.exitCode, whole.facts.anchoredTo]).toEqual(['OK_ANCHORED', 0, made.leaves.length]);
    const part = await verify(made.files, { anchors: [anchor(5)] });
    expect([part.verdict, part.facts.anchoredTo]).toEqual(['OK_UNANCHORED', 5]);
    expect(part.notChecked).toContain(`leaves 5 to ${LAST} lie after the anchor: anchored to 5 of ${made.leaves.length}`);
  });
});

describe('edits of leaves', () => {
  it('names every divergent range of several edits', async () => {
    const leaves = [...made.leaves];
    leaves[2] = edited(leaves[2], 'slow query', 'fast query');
    leaves[3] = edited(leaves[3], 'payment failed', 'payment passed');
    leaves[9] = edited(leaves[9], 'bundle window', 'BUNDLE WINDOW');
    const report = await verify(withLeaves(leaves));
    expect(ranges(report)).toEqual([
      ['TAMPERED', 2, 3],
      ['TAMPERED', 9, 9],
    ]);
  });

  it('tells a damaged MAC from damaged content', async () => {
    const leaves = [...made.leaves];
    leaves[4] = flipBit(leaves[4], (leaves[4].length - 1) * 8);
    const report = await verify(withLeaves(leaves));
    expect(ranges(report)).toEqual([['TAMPERED', 4, 4]]);
    expect(report.findings[0].found).toContain('the content is intact');
  });

  it('names a removed, a doubled and two exchanged leaves', async () => {
    const removed = await verify(withLeaves(made.leaves.filter((_, seq) => seq !== 5)));
    expect(ranges(removed)).toEqual([['TAMPERED', 5, 5]]);
    const doubled = await verify(withLeaves(made.leaves.flatMap((leaf, seq) => (seq === 5 ? [leaf, leaf] : [leaf]))));
    expect(ranges(doubled)).toEqual([['TAMPERED', 5, 5]]);
    const exchanged = await verify(withLeaves([...made.leaves.slice(0, 6), made.leaves[7], made.leaves[6], ...made.leaves.slice(8)]));
    expect(exchanged.verdict).toBe('TAMPERED');
    expect(exchanged.findings[0].place).toMatchObject({ seqFirst: 6, seqLast: 7 });
    for (const leaves of [
      made.leaves.filter((_, seq) => seq !== 5),
      [...made.leaves.slice(0, 6), made.leaves[7], made.leaves[6], ...made.leaves.slice(8)],
    ]) {
      expect((await publicly(withLeaves(leaves))).verdict).toBe('TAMPERED');
    }
  });

  it('names the place of a leaf that was removed and whose followers were renumbered', async () => {
    const leaves = made.leaves
      .filter((_, seq) => seq !== 5)
      .map((leaf, seq) => {
        const copy = Buffer.from(leaf);
        copy.writeBigUInt64BE(BigInt(seq), 4);
        return copy;
      });
    const report = await verify(withLeaves(leaves));
    expect(report.verdict).toBe('TAMPERED');
    expect(report.findings[0].place).toMatchObject({ seqFirst: 5 });
  });

  it('finds a leaf spliced in from another ledger, and from an earlier place of the same', async () => {
    for (const foreign of [other.leaves[6], made.leaves[1]]) {
      const leaves = made.leaves.map((leaf, seq) => (seq === 6 ? foreign : leaf));
      const report = await verify(withLeaves(leaves));
      expect(report.verdict).toBe('TAMPERED');
      expect(report.findings[0].place.seqFirst).toBe(6);
      expect((await publicly(withLeaves(leaves))).verdict).toBe('TAMPERED');
    }
  });

  it('finds a dropped genesis leaf', async () => {
    const report = await verify(withLeaves(made.leaves.slice(1)));
    expect(report.verdict).toBe('TAMPERED');
    expect(report.findings[0].place).toMatchObject({ seqFirst: 0, seqLast: 0 });
  });

  it('finds garbage between frames, and goes on behind it', async () => {
    const places = framePlaces(made.leaves);
    const bytes = joinFrames(made.leaves);
    const at = places[4].from;
    const report = await verify(
      withFile(made.files, segmentPath(0), Buffer.concat([bytes.subarray(0, at), filled(100, 0xee), bytes.subarray(at)])),
    );
    expect(ranges(report)).toEqual([['TAMPERED', 4, undefined]]);
    expect(report.findings[0]).toMatchObject({ place: { byteOffset: at }, found: '100 bytes that are no leaf, then it' });
  });

  it('names the range of a hole of zeros', async () => {
    const places = framePlaces(made.leaves);
    const bytes = Buffer.from(joinFrames(made.leaves)).fill(0, places[3].from + 10, places[6].end - 5);
    const report = await verify(withFile(made.files, segmentPath(0), bytes));
    expect(ranges(report)).toEqual([['TAMPERED', 3, 6]]);
  });

  it('a chain made anew with another key is found by every MAC, and publicly by the root', async () => {
    const leaves = chainLeaves(made.leaves.map(body), filled(32, 0x99), made.ledgerId);
    const report = await verify(withLeaves(leaves));
    expect([report.verdict, report.findings[0].place.seqFirst, report.findings[0].place.seqLast]).toEqual(['TAMPERED', 0, LAST]);
    expect((await publicly(withLeaves(leaves))).verdict).toBe('TAMPERED');
  });

  it('an edit chained anew with the stolen HMAC key still contradicts the signed root', async () => {
    const bodies = made.leaves.map(body);
    bodies[3] = edited(bodies[3], 'payment failed', 'payment passed');
    const leaves = chainLeaves(bodies, made.hmacKey, made.ledgerId);
    expect((await verify(withLeaves(leaves))).verdict).toBe('TAMPERED');
  });

  it('leaves without MACs are a DOWNGRADE', async () => {
    const zeroed = made.leaves.map((leaf) => Buffer.concat([body(leaf), filled(32, 0)]));
    for (const report of [await verify(withLeaves(zeroed)), await publicly(withLeaves(zeroed))])
      expect([report.verdict, report.exitCode]).toEqual(['DOWNGRADE', 35]);
    const stripped = await verify(withLeaves(made.leaves.map(body)));
    expect(stripped.exitCode).toBeGreaterThanOrEqual(31);
    const unkeyed = makeLedger({ requests: SAMPLE_REQUESTS, genesis: { keyCommitment: undefined } });
    expect((await publicly(unkeyed.files)).verdict).toBe('DOWNGRADE');
  });
});

describe('breaches of the format that carry good MACs and signatures', () => {
  const rebuilt = (change: (bodies: Buffer[]) => Buffer[]): Map<string, Uint8Array> =>
    resealed(chainLeaves(change(made.leaves.map((leaf) => Buffer.from(body(leaf)))), made.hmacKey, made.ledgerId));

  it.each<[string, number, (bodies: Buffer[]) => unknown]>([
    ['a time that goes back', 3, (bodies) => bodies[3].writeBigUInt64BE(START_NS, 16)],
    ['another epoch', 3, (bodies) => bodies[3].writeUInt32BE(1, 12)],
    ['an unknown flag', 3, (bodies) => bodies[3].writeUInt16BE(0x0105, 2)],
    ['a second genesis leaf', 3, (bodies) => (bodies[3][1] = 1)],
    ['an event that is no canonical JSON', 1, (bodies) => (bodies[1] = edited(bodies[1], '{"level"', '{ "level"'))],
    ['an event with an unknown field', 1, (bodies) => (bodies[1] = edited(bodies[1], '"level"', '"lever"'))],
    ['an unknown level', 1, (bodies) => (bodies[1] = edited(bodies[1], '"info"', '"INFO"'))],
    ['a summary that counts wrongly', 4, (bodies) => (bodies[4] = edited(bodies[4], '"acme":2', '"acme":1'))],
    ['a record of another shape', 7, (bodies) => (bodies[7] = edited(bodies[7], '"rejected":1', '"rejectee":1'))],
    ['a request without an end', LAST, (bodies) => bodies[LAST].writeUInt16BE(0, 2)],
  ])('finds %s', async (_, seq, change) => {
    const files = rebuilt((bodies) => {
      change(bodies);
      return bodies;
    });
    const report = await verify(files);
    expect(report.verdict).toBe('TAMPERED');
    expect(report.findings[0].place).toMatchObject({ seqFirst: seq, seqLast: seq });
    expect((await publicly(files)).verdict).toBe('TAMPERED');
  });

  it('finds a minute that was not closed', async () => {
    const files = rebuilt((bodies) =>
      bodies.filter((_, seq) => seq !== 4).map((leaf, seq) => (leaf.writeBigUInt64BE(BigInt(seq), 4), leaf)),
    );
    const report = await verify(files);
    expect(report.findings[0]).toMatchObject({
      verdict: 'TAMPERED',
      place: { seqFirst: 4 },
      expected: 'each minute closed by its summary',
    });
  });
});

describe('the end of the ledger', () => {
  const places = framePlaces(made.leaves);
  const bytes = joinFrames(made.leaves);

  it('cut at a frame together with its checkpoint, but not its watermark, is TRUNCATED', async () => {
    const size = 9;
    const checkpoint = Buffer.from(signCheckpoint(made.origin, size, treeRoot(made.leaves.slice(0, size)), made.signingKey));
    const report = await verify(withFile(withLeaves(made.leaves.slice(0, size)), 'ledger/checkpoint', checkpoint));
    expect([report.verdict, report.findings.at(-1)?.verdict]).toEqual(['TRUNCATED', 'TORN_TAIL']);
  });

  it('rolled back as a whole shows with an anchor only', async () => {
    const old = resealed(made.leaves.slice(0, 9), 5);
    expect((await verify(old)).verdict).toBe('OK_UNANCHORED');
    const anchor = parseCheckpoint(Buffer.from(made.files.get('ledger/checkpoint') ?? []).toString());
    const report = await verify(old, { anchors: [anchor] });
    expect([report.verdict, report.exitCode, report.findings[0].place.seqFirst]).toEqual(['ROLLED_BACK', 33, 9]);
  });

  it('with another signed history than the anchor is FORKED', async () => {
    const bodies = made.leaves.map(body);
    bodies[3] = edited(bodies[3], 'payment failed', 'payment passed');
    const forked = resealed(chainLeaves(bodies, made.hmacKey, made.ledgerId));
    for (const size of [made.leaves.length, 7]) {
      const anchor = parseCheckpoint(signCheckpoint(made.origin, size, treeRoot(made.leaves.slice(0, size)), made.signingKey));
      expect((await verify(forked, { anchors: [anchor] })).verdict).toBe('FORKED');
    }
  });

  it('followed by bytes nobody acknowledged is TORN_TAIL, whatever they are', async () => {
    const half = bytes.subarray(places[6].from, places[6].end - 9);
    for (const tail of [half, filled(4096, 0), filled(10, 0xff), joinFrames([other.leaves[5]]), Buffer.of(0)]) {
      const report = await verify(withFile(made.files, segmentPath(0), Buffer.concat([bytes, tail])));
      expect([report.verdict, report.findings[0].place.byteOffset]).toEqual(['TORN_TAIL', bytes.length]);
      expect((await publicly(withFile(made.files, segmentPath(0), Buffer.concat([bytes, tail])))).exitCode).toBeGreaterThanOrEqual(20);
    }
  });

  it('followed by whole requests with good MACs is no finding with the HMAC key, and is one without', async () => {
    const early = makeLedger({ requests: SAMPLE_REQUESTS.slice(0, -1) });
    const files = withFile(early.files, segmentPath(0), bytes);
    expect((await verify(files)).verdict).toBe('OK_UNANCHORED');
    expect((await publicly(files)).verdict).toBe('TORN_TAIL');
  });

  it('followed by half a request is TORN_TAIL where the request begins', async () => {
    const early = makeLedger({ requests: SAMPLE_REQUESTS.slice(0, 2) });
    const files = withFile(early.files, segmentPath(0), joinFrames(made.leaves.slice(0, 6)));
    const report = await verify(files);
    expect([report.verdict, report.findings[0].place.byteOffset]).toEqual(['TORN_TAIL', places[5].from]);
  });

  it('unfinished because a writer is at work is no finding', async () => {
    const early = makeLedger({ requests: SAMPLE_REQUESTS.slice(0, 2) });
    const files = withFile(early.files, segmentPath(0), joinFrames(made.leaves.slice(0, 6)));
    const settle = (): Promise<void> =>
      Promise.resolve(void files.set('ledger/watermark', made.files.get('ledger/watermark') ?? filled(0, 0)));
    const report = await verify(files, { settle });
    expect([report.verdict, report.facts.isBeingWritten]).toEqual(['OK_UNANCHORED', true]);
  });
});

describe('keys, checkpoint and files', () => {
  it('a whole ledger in the place of ours is KEY_MISMATCH for everyone who holds a key of ours', async () => {
    expect((await verify(other.files)).verdict).toBe('KEY_MISMATCH');
    const pinnedKey = { name: made.origin, keyId: 0, publicKey: filled(32, 1) };
    expect((await publicly(made.files, { pinnedKey })).verdict).toBe('KEY_MISMATCH');
    const anchor = parseCheckpoint(Buffer.from(made.files.get('ledger/checkpoint') ?? []).toString());
    expect((await publicly(other.files, { anchors: [anchor] })).verdict).toBe('KEY_MISMATCH');
  });

  it('takes the right one of several HMAC keys', async () => {
    const hmacKeys = [other, made].map(({ hmacKey }) => ({ label: 'k', key: hmacKey }));
    const report = await verify(made.files, { hmacKeys });
    expect([report.verdict, report.facts.macsChecked]).toEqual(['OK_UNANCHORED', made.leaves.length]);
  });

  it('a checkpoint signed by another key is TAMPERED, also when log.vkey was exchanged with it', async () => {
    const thief = seededSigningKey(filled(32, 0x99));
    const note = Buffer.from(signCheckpoint(made.origin, made.leaves.length, treeRoot(made.leaves), thief));
    const files = withFile(made.files, 'ledger/checkpoint', note);
    expect((await verify(files)).findings.map(({ place }) => place.file)).toEqual(['ledger/checkpoint']);
    const both = withFile(files, 'ledger/log.vkey', Buffer.from(`${toVerifierKey(made.origin, thief)}\n`));
    for (const report of [await verify(both), await publicly(both)]) expect(report.verdict).toBe('TAMPERED');
  });

  it.each(['ledger/checkpoint', 'ledger/log.vkey', 'ledger/watermark'])('a missing %s is found there', async (path) => {
    const files = new Map(made.files);
    files.delete(path);
    const report = await verify(files);
    expect([report.verdict, report.findings[0].place.file]).toEqual([path === 'ledger/watermark' ? 'ROLLED_BACK' : 'TAMPERED', path]);
  });

  it('two damaged watermark slots are ROLLED_BACK', async () => {
    const watermark = Buffer.from(made.files.get('ledger/watermark') ?? []);
    watermark[50] ^= 1;
    watermark[4096 + 50] ^= 1;
    expect((await verify(withFile(made.files, 'ledger/watermark', watermark))).verdict).toBe('ROLLED_BACK');
  });

  it('an old copy of one watermark slot is TAMPERED', async () => {
    const slots = [1, 8].map((generation) => ({
      generation,
      size: made.leaves.length,
      mac: made.leaves[LAST].subarray(-32),
      checkpoint: Buffer.from(made.files.get('ledger/checkpoint') ?? []).toString(),
    }));
    const report = await verify(withFile(made.files, 'ledger/watermark', makeWatermark(made.hmacKey, slots)));
    expect([report.verdict, report.findings[0].place.file]).toEqual(['TAMPERED', 'ledger/watermark']);
  });

  it('a foreign name in segments/ is told and changes no verdict', async () => {
    const report = await verify(withFile(made.files, 'ledger/segments/notes.txt', filled(3, 0x61)));
    expect([report.verdict, report.findings[0].verdict]).toEqual(['OK_UNANCHORED', 'WARNING']);
  });

  it('a segment of a name that does not follow is found', async () => {
    const renamed = new Map([...made.files].map(([path, content]) => [path === segmentPath(0) ? segmentPath(5) : path, content]));
    expect((await verify(renamed)).verdict).toBe('TAMPERED');
    const doubled = withFile(made.files, segmentPath(made.leaves.length), made.files.get(segmentPath(0)) ?? filled(0, 0));
    expect((await verify(doubled)).exitCode).toBeGreaterThanOrEqual(20);
  });

  it('a ledger split into files earlier than the rule says is TAMPERED', async () => {
    const files = withFile(withLeaves(made.leaves.slice(0, 8)), segmentPath(8), joinFrames(made.leaves.slice(8)));
    const report = await verify(files);
    expect([report.verdict, report.findings[0].place.seqFirst]).toEqual(['TAMPERED', 8]);
  });
});
