import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Bundle } from '../../src/bundle/assemble.ts';
import { ARCHIVE_PATHS, formatProof, PATHS, type Manifest } from '../../src/bundle/format.ts';
import { writeZip } from '../../src/bundle/write-zip.ts';
import { utf8 } from '../../src/kernel/bytes.ts';
import { nodeHashes } from '../../src/kernel/node-hashes.ts';
import { parseCheckpoint, parseVerifierKey } from '../../src/kernel/note.ts';
import { readArchive } from '../../src/verify/bundle-archive.ts';
import type { BundleReport } from '../../src/verify/bundle-report.ts';
import { parseProof, rootWithin } from '../../src/verify/bundle-tree.ts';
import { verifyBundle } from '../../src/verify/bundle-verify.ts';
import { leafHash } from '../../src/kernel/hashes.ts';
import { forge, makeFixture, textOf, unpack, type Files, type Fixture } from '../support/bundle-fixture.ts';
import { MemoryLedger } from '../support/memory-ledger.ts';
import { testSeed } from '../support/seed.ts';

const FLIPS = 1500;
const DAMAGES = 150;
let fixture: Fixture;
let bundle: Bundle;
let other: MemoryLedger;

beforeAll(async () => {
  fixture = await makeFixture(40);
  bundle = await fixture.bundle(450, 2950);
  other = new MemoryLedger({ clock: () => 0n, signingSeed: new Uint8Array(32).fill(0x77) });
});

const failedStages = (report: BundleReport): string[] =>
  report.stages.filter(({ outcome }) => outcome === 'failed').map(({ name }) => name);
const keyOf = (ledger: MemoryLedger) => parseVerifierKey(nodeHashes, ledger.identity.verifierKey);
const rootKey = (key: Uint8Array) => ({ hmacKeys: [{ label: 'root', key }], epochKeys: [] });
const isOk = ({ verdict }: BundleReport): boolean => verdict.startsWith('OK');

/** The bundle with one file changed by hand and everything signed again with the stolen log key. */
async function forged(path: string, change: (text: string) => string, manifest?: (manifest: Manifest) => Manifest): Promise<BundleReport> {
  const files = unpack(bundle.bytes);
  const before = textOf(files, path);
  const after = change(before);
  if (manifest === undefined) expect(after).not.toBe(before);
  files.set(path, utf8(after));
  return verifyBundle({ bytes: await forge(fixture.ledger, files, manifest), pinnedKey: keyOf(fixture.ledger) });
}

const lines =
  (change: (lines: string[]) => string[]) =>
  (text: string): string =>
    change(text.split('\n').slice(0, -1))
      .map((line) => `${line}\n`)
      .join('');

describe('verifyBundle', () => {
  it('accepts an honest bundle, and says what it could not check', () => {
    const report = verifyBundle({ bytes: bundle.bytes });
    expect(report).toMatchObject({ verdict: 'OK_UNANCHORED', exitCode: 10, findings: [] });
    expect(report.stages.filter(({ outcome }) => outcome === 'not-checked').map(({ name }) => name)).toEqual(['key', 'macs', 'anchor']);
    expect(report.notChecked.join('\n')).toMatch(/whose key.*MACs.*other signed histories.*timeline/s);
    expect(report.facts).toMatchObject({ entries: 25, sha256: bundle.sha256 });
  });

  it('is anchored by a checkpoint of the same size and root, and checks MACs with the HMAC key', async () => {
    const anchor = parseCheckpoint(await fixture.ledger.signCheckpoint(bundle.window.last + 2));
    const report = verifyBundle({
      bytes: bundle.bytes,
      anchor,
      pinnedKey: keyOf(fixture.ledger),
      macKeys: rootKey(fixture.ledger.hmacKey),
    });
    expect(report).toMatchObject({ verdict: 'OK_ANCHORED', exitCode: 0, findings: [] });
    expect(report.stages.every(({ outcome }) => outcome === 'ok')).toBe(true);
    expect(report.facts.macsChecked).toBe(26);
    expect(report.notChecked).toHaveLength(2);
  });

  it('maps OK_UNANCHORED to 0 only when asked to', () => {
    expect(verifyBundle({ bytes: bundle.bytes, isUnanchoredAllowed: true })).toMatchObject({ verdict: 'OK_UNANCHORED', exitCode: 0 });
  });

  it('compares an anchor inside the window and names the part it does not reach', async () => {
    const anchor = parseCheckpoint(await fixture.ledger.signCheckpoint(15));
    const report = verifyBundle({ bytes: bundle.bytes, anchor });
    expect(report).toMatchObject({ verdict: 'OK_UNANCHORED', findings: [] });
    expect(report.stages.find(({ name }) => name === 'anchor')?.outcome).toBe('ok');
    expect(report.notChecked.join()).toContain('entries from 15 on');
  });

  it('says that an anchor of another size cannot be compared', async () => {
    for (const size of [2, 41]) {
      const report = verifyBundle({ bytes: bundle.bytes, anchor: parseCheckpoint(await fixture.ledger.signCheckpoint(size)) });
      expect(report.verdict).toBe('OK_UNANCHORED');
      expect(report.stages.find(({ name }) => name === 'anchor')?.outcome).toBe('not-checked');
    }
  });

  it('finds a fork: another signed root of the same or a smaller size', async () => {
    const twin = (await makeFixture(3)).ledger;
    while (twin.head().size < 40) twin.push({ type: 2, payload: utf8('{"message":"another history"}') });
    for (const size of [bundle.window.last + 2, 12]) {
      const report = verifyBundle({ bytes: bundle.bytes, anchor: parseCheckpoint(await twin.signCheckpoint(size)) });
      expect(report).toMatchObject({ verdict: 'FORKED', exitCode: 32 });
    }
  });

  it('finds that key, anchor or HMAC key are those of another ledger', () => {
    const anchor = parseCheckpoint(other.head().checkpoint);
    for (const input of [{ pinnedKey: keyOf(other) }, { anchor }, { macKeys: rootKey(new Uint8Array(32).fill(9)) }]) {
      expect(verifyBundle({ bytes: bundle.bytes, ...input })).toMatchObject({ verdict: 'KEY_MISMATCH', exitCode: 34 });
    }
  });

  it('is not deceived by any flipped bit', () => {
    const honest = unpack(bundle.bytes);
    const flip = fc.record({ at: fc.nat(bundle.bytes.length - 1), bit: fc.nat(7) });
    fc.assert(
      fc.property(flip, ({ at, bit }) => {
        const bytes = Uint8Array.from(bundle.bytes);
        bytes[at] ^= 1 << bit;
        const report = verifyBundle({ bytes });
        if (!isOk(report)) return true;
        // Deflate can say one content in several ways. Then every file is as it was, and the report says that the container is not.
        const isSame = readArchive(bytes).every(({ path, content }) => Buffer.compare(content, honest.get(path) ?? Buffer.alloc(0)) === 0);
        return isSame && report.notChecked.some((text) => text.startsWith('the compressed form of'));
      }),
      { seed: testSeed(), numRuns: FLIPS },
    );
  });

  it.each(ARCHIVE_PATHS)('finds one changed byte of %s in an archive packed anew', async (path) => {
    const files = unpack(bundle.bytes);
    const content = Uint8Array.from(files.get(path) ?? []);
    for (const at of [0, Math.floor(content.length / 2), content.length - 1]) {
      const copy = content.slice();
      copy[at] ^= 1;
      const report = verifyBundle({ bytes: await writeZip(new Map(files).set(path, copy)) });
      expect(isOk(report)).toBe(false);
      expect(report.findings.map(({ place }) => place.file)).toContain(path === PATHS.manifest ? PATHS.manifest : path);
    }
  });

  it('never accepts and never trips over damage inside an archive that is itself in order', async () => {
    const files = unpack(bundle.bytes);
    const damage = fc.record({
      path: fc.constantFrom(...ARCHIVE_PATHS),
      at: fc.nat(),
      bytes: fc.uint8Array({ maxLength: 4 }),
      cut: fc.nat(4),
    });
    await fc.assert(
      fc.asyncProperty(damage, async ({ path, at, bytes, cut }) => {
        const content = Buffer.from(files.get(path) ?? []);
        const place = at % content.length;
        const damaged = Buffer.concat([content.subarray(0, place), bytes, content.subarray(place + cut)]);
        if (damaged.equals(content)) return true;
        return !isOk(verifyBundle({ bytes: await writeZip(new Map(files).set(path, damaged)), macKeys: rootKey(fixture.ledger.hmacKey) }));
      }),
      { seed: testSeed(), numRuns: DAMAGES },
    );
  });

  it('names the entry whose text was changed', async () => {
    const files = unpack(bundle.bytes);
    files.set(PATHS.events, utf8(textOf(files, PATHS.events).replace('tagged 18', 'tagged 19')));
    const report = verifyBundle({ bytes: await writeZip(files) });
    expect(report).toMatchObject({ verdict: 'TAMPERED', exitCode: 31 });
    expect(report.findings.map(({ place }) => place.seqFirst)).toContain(18);
  });
});

describe('a bundle signed again with the stolen log key', () => {
  it('passes unchanged: the forgery itself is sound', async () => {
    const report = await forged(
      PATHS.events,
      (text) => text,
      (manifest) => manifest,
    );
    expect(report).toMatchObject({ verdict: 'OK_UNANCHORED', findings: [] });
  });

  it.each<[string, (lines: string[]) => string[], string, string[]]>([
    ['an entry left out in the middle', (all) => all.toSpliced(7, 1), 'INCOMPLETE', ['entries', 'tree', 'window']],
    ['the first entry left out', (all) => all.slice(1), 'INCOMPLETE', ['entries', 'tree', 'window']],
    ['the last entry left out', (all) => all.slice(0, -1), 'INCOMPLETE', ['entries', 'tree', 'window']],
    ['all entries left out', () => [], 'INCOMPLETE', ['entries', 'window', 'counts']],
    ['an entry twice', (all) => all.toSpliced(7, 0, all[7]), 'INCOMPLETE', ['entries', 'tree', 'window']],
    ['two entries changed over', (all) => all.toSpliced(7, 2, all[8], all[7]), 'INCOMPLETE', ['entries', 'tree']],
    ['a changed text', (all) => all.with(7, all[7].replace('Ereignis', 'ereignis')), 'TAMPERED', ['entries', 'tree']],
    ['a line that is none', (all) => all.with(7, '{}'), 'TAMPERED', ['entries', 'tree']],
    ['white space in a line', (all) => all.with(7, all[7].replace(',', ', ')), 'TAMPERED', ['entries']],
    ['another level in the words only', (all) => all.with(7, all[7].replace('"level":"', '"level":"x')), 'TAMPERED', ['entries']],
  ])('is refused with %s', async (_, change, verdict, stages) => {
    const report = await forged(PATHS.events, lines(change));
    expect(report.verdict).toBe(verdict);
    expect(failedStages(report)).toEqual(expect.arrayContaining(stages));
  });

  it('is refused with a changed text whose leaf hash was made to fit', async () => {
    const report = await forged(
      PATHS.events,
      lines((all) => all.with(7, rehashed(all[7].replace('Ereignis', 'ereignis')))),
    );
    expect(report.verdict).toBe('TAMPERED');
    expect(failedStages(report)).toEqual(['tree']);
  });

  it.each<[string, (manifest: Manifest) => Manifest, string]>([
    [
      'a longer window than its edges prove',
      (m) => ({ ...m, window: { ...m.window, from: '2026-01-01T00:00:00.000000000Z' } }),
      'INCOMPLETE',
    ],
    [
      'a later end than its edges prove',
      (m) => ({ ...m, createdAt: '2027-01-01T00:00:00.000000000Z', window: { ...m.window, to: '2027-01-01T00:00:00.000000000Z' } }),
      'INCOMPLETE',
    ],
    [
      'a shorter window than its entries',
      (m) => ({ ...m, createdAt: '2026-01-02T03:04:06.000000000Z', window: { ...m.window, to: '2026-01-02T03:04:06.000000000Z' } }),
      'TAMPERED',
    ],
    ['another number of entries', (m) => ({ ...m, window: { ...m.window, entries: m.window.entries - 1 } }), 'INCOMPLETE'],
    [
      'another first entry',
      (m) => ({ ...m, window: { ...m.window, first: m.window.first + 1, entries: m.window.entries - 1 } }),
      'INCOMPLETE',
    ],
    ['other counts', (m) => ({ ...m, counts: { ...m.counts, levels: { ...m.counts.levels, error: 1 } } }), 'TAMPERED'],
    ['a type counted as none', (m) => ({ ...m, counts: { ...m.counts, types: { ...m.counts.types, tamper: 0 } } }), 'TAMPERED'],
    ['another size of the checkpoint', (m) => ({ ...m, checkpoint: { ...m.checkpoint, size: m.checkpoint.size + 1 } }), 'INCOMPLETE'],
    ['another root', (m) => ({ ...m, checkpoint: { ...m.checkpoint, root: '0'.repeat(64) } }), 'TAMPERED'],
    ['another origin', (m) => ({ ...m, origin: 'somebody' }), 'TAMPERED'],
    ['a file unlisted', (m) => ({ ...m, files: m.files.slice(1) }), 'TAMPERED'],
    ['a file listed that is not there', (m) => ({ ...m, files: [...m.files, { ...m.files[0], path: '../x' }] }), 'TAMPERED'],
  ])('is refused with %s', async (_, change, verdict) => {
    const report = await forged(PATHS.manifest, (text) => text, change);
    expect(report.findings).not.toEqual([]);
    expect(report.verdict).toBe(verdict);
  });

  it('is refused under another ledger id when it reaches back to the genesis entry', async () => {
    const { bytes } = await fixture.bundle(0, 900);
    expect(isOk(verifyBundle({ bytes }))).toBe(true);
    const renamed = await forge(fixture.ledger, unpack(bytes), (manifest) => ({ ...manifest, ledgerId: '44'.repeat(16) }));
    expect(verifyBundle({ bytes: renamed })).toMatchObject({ verdict: 'TAMPERED', exitCode: 31 });
  });

  it('is refused without its edges', async () => {
    for (const change of [(all: string[]) => all.slice(1), (all: string[]) => all.slice(0, 1), () => []]) {
      const report = await forged(PATHS.edges, lines(change));
      expect(report).toMatchObject({ verdict: 'INCOMPLETE', exitCode: 41 });
      expect(failedStages(report)).toContain('window');
    }
  });

  it('is refused with a proof of another place or with other hashes', async () => {
    const proof = parseProof(unpack(bundle.bytes).get(PATHS.proof) ?? new Uint8Array(0));
    if (proof === undefined) throw new Error('the bundle has no proof');
    for (const changed of [
      formatProof(proof.first + 1, proof.size, proof.hashes),
      formatProof(proof.first, proof.size, proof.hashes.slice(1)),
      '{}\n',
    ]) {
      expect(isOk(await forged(PATHS.proof, () => changed))).toBe(false);
    }
  });

  it('is refused by who holds the HMAC key when the whole ledger was written anew without it', async () => {
    const rewritten = await makeFixture(40, new Uint8Array(32).fill(1));
    const { bytes } = await rewritten.bundle(450, 2950);
    expect(isOk(verifyBundle({ bytes, pinnedKey: keyOf(fixture.ledger) }))).toBe(true);
    const report = verifyBundle({ bytes, pinnedKey: keyOf(fixture.ledger), macKeys: rootKey(fixture.ledger.hmacKey) });
    expect(report.verdict).toBe('KEY_MISMATCH');
    expect(failedStages(report)).toEqual(['macs']);
  });
});

describe('rootWithin', () => {
  it('gives the root of every smaller tree that reaches into the run', async () => {
    const { ledger } = await makeFixture(70);
    const hashes: Uint8Array[] = [];
    for await (const leaf of ledger.leaves(0, Infinity)) hashes.push(leafHash(nodeHashes, leaf.bytes));
    for (const first of [0, 1, 3, 8, 13, 31, 32, 33, 64]) {
      const proof = { first, size: hashes.length, hashes: await ledger.rangeProof(first, hashes.length - 1, hashes.length) };
      const run = hashes.slice(first).map((hash) => ({ hash, statedHash: hash, leaf: undefined }));
      for (let size = first + 1; size <= hashes.length; size++) expect(rootWithin(run, proof, size)).toEqual(await ledger.rootAt(size));
      expect(rootWithin(run, proof, first)).toBeUndefined();
      expect(rootWithin(run, proof, hashes.length + 1)).toBeUndefined();
    }
  });
});

/** The line with the leaf hash that its changed payload gives: all that its reader could notice by itself is mended. */
function rehashed(line: string): string {
  const files: Files = new Map([['x', utf8(line)]]);
  const head = JSON.parse(line) as { type: string; flags: number; seq: number; timeNs: string; mac: string };
  expect(head.type).toBe('event');
  const payload = textOf(files, 'x').slice(line.indexOf('"payload":') + 10, -1);
  const leaf = Buffer.alloc(24);
  leaf.set([1, 2], 0);
  leaf.writeUInt16BE(head.flags, 2);
  leaf.writeBigUInt64BE(BigInt(head.seq), 4);
  leaf.writeBigUInt64BE(BigInt(head.timeNs), 16);
  const hash = leafHash(nodeHashes, Buffer.concat([leaf, Buffer.from(payload), Buffer.from(head.mac, 'base64')]));
  return line.replace(/"leafHash":"[0-9a-f]{64}"/, `"leafHash":"${Buffer.from(hash).toString('hex')}"`);
}
