import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Archiver, type ArchiveSource } from '../../src/archive/archiver.ts';
import { DirectoryStore } from '../../src/archive/directory-store.ts';
import { RetryingStore } from '../../src/archive/retrying-store.ts';
import { S3Store } from '../../src/archive/s3-store.ts';
import { tileKey, tilesBetween } from '../../src/archive/tiles-between.ts';
import { toHex } from '../../src/kernel/bytes.ts';
import { verifyEd25519 } from '../../src/kernel/ed25519.ts';
import { leafHash } from '../../src/kernel/hashes.ts';
import { subtreeRoot } from '../../src/kernel/merkle.ts';
import { nodeHashes } from '../../src/kernel/node-hashes.ts';
import { isSignedBy, parseCheckpoint, parseVerifierKey } from '../../src/kernel/note.ts';
import { openLedger, type OpenedLedger } from '../../src/ledger/open-ledger.ts';
import { parseFrames } from '../../src/ledger/read-block.ts';
import { fillLedger } from '../support/fill-ledger.ts';
import { S3_ACCESS_KEY_ID, S3_BUCKET, S3_REGION, S3_SECRET_ACCESS_KEY, startS3Server } from '../support/s3-server.ts';
import { tempDir } from '../support/temp-dir.ts';

const SEGMENT = 65_536;
/** Entry bundles and hash tiles of 256 leaves each, one tile above them, the beginning of the one above that, key and checkpoint. */
const OBJECTS = 256 + 256 + 1 + 1 + 2;
const never = new AbortController().signal;

async function withLedger(events: number, run: (ledger: OpenedLedger, dir: string) => Promise<void>): Promise<void> {
  using dir = tempDir();
  const ledger = await openLedger({ dataDir: join(dir.path, 'data') });
  try {
    await fillLedger(ledger, events);
    await run(ledger, dir.path);
  } finally {
    await ledger.close();
  }
}

/** All keys below the archive's own prefix, with their content. */
function readArchive(dir: string): Map<string, Uint8Array> {
  const names = readdirSync(dir, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = names.map((entry) => join(entry.parentPath, entry.name)).toSorted();
  return new Map(paths.map((path) => [path.slice(dir.length + 1), new Uint8Array(readFileSync(path))]));
}

/** Comparing megabytes element by element takes its time. */
function digestArchive(dir: string): Map<string, string> {
  return new Map([...readArchive(dir)].map(([key, content]) => [key, toHex(nodeHashes.sha256(content))]));
}

/** What a stranger does with an archive: entries → hashes → root, against the signed checkpoint, and every tile along the way. */
function assertWhole(archive: ReadonlyMap<string, Uint8Array>, size: number): void {
  const checkpoint = parseCheckpoint(Buffer.from(archive.get('checkpoint') ?? []).toString('utf8'));
  const verifierKey = Buffer.from(archive.get('log.vkey') ?? []).toString('utf8');
  expect(isSignedBy(checkpoint, parseVerifierKey(nodeHashes, verifierKey), verifyEd25519)).toBe(true);
  expect(checkpoint.size).toBe(size);
  const due = [...tilesBetween(0, size)];
  // Partial tiles of earlier sizes may still be there: older checkpoints lead to them.
  expect([...archive.keys()]).toEqual(expect.arrayContaining(due.map(tileKey)));
  let level: Uint8Array[] = due
    .filter((tile) => tile.level === 'entries')
    .flatMap((tile) => parseFrames(archive.get(tileKey(tile)) ?? new Uint8Array(0)).map((leaf) => leafHash(nodeHashes, leaf.bytes)));
  expect(level.length).toBe(size);
  expect(toHex(subtreeRoot(nodeHashes, (i) => level[i], 0, size))).toBe(toHex(checkpoint.root));
  for (let k = 0; level.length > 0; k++) {
    const tiles = due.filter((tile) => tile.level === k);
    const there = Buffer.concat(tiles.map((tile) => archive.get(tileKey(tile)) ?? new Uint8Array(0)));
    expect(there.compare(Buffer.concat(level))).toBe(0);
    level = Array.from({ length: Math.floor(level.length / 256) }, (_, i) =>
      subtreeRoot(nodeHashes, (at) => level[at], i * 256, (i + 1) * 256),
    );
  }
}

describe('an archive', () => {
  it('holds the full segments and leads from their entries to a signed root', async () => {
    await withLedger(2 * SEGMENT + 10, async (ledger, dir) => {
      const keys: string[] = [];
      const onUploaded = ({ key }: { key: string }): unknown => keys.push(key.split('/').slice(1).join('/'));
      const archiver = new Archiver(ledger, new DirectoryStore(join(dir, 'archive')), { onUploaded });
      expect(await archiver.open()).toBe(0);
      expect([await archiver.archiveSegment(never), await archiver.archiveSegment(never), await archiver.archiveSegment(never)]).toEqual([
        true,
        true,
        false,
      ]);
      expect(archiver.size).toBe(2 * SEGMENT);
      expect(archiver.location).toBe(join(dir, 'archive', toHex(ledger.identity.ledgerId)));
      assertWhole(readArchive(archiver.location), 2 * SEGMENT);
      // A checkpoint comes last, when everything under it is there.
      expect(keys.flatMap((key, at) => (key === 'checkpoint' ? at : []))).toEqual([OBJECTS - 1, keys.length - 1]);
    });
  });

  it('is the same, object for object, after an interruption anywhere and a new start', async () => {
    await withLedger(SEGMENT + 10, async (ledger, dir) => {
      const whole = new Archiver(ledger, new DirectoryStore(join(dir, 'whole')));
      await whole.archiveSegment(never);
      const expected = digestArchive(whole.location);
      for (const stopAfter of [1, 300, OBJECTS - 1, OBJECTS]) {
        const store = new DirectoryStore(join(dir, `stopped-${stopAfter}`));
        const stop = new AbortController();
        let objects = 0;
        const onUploaded = (): void => {
          if (++objects === stopAfter) stop.abort();
        };
        const interrupted = new Archiver(ledger, store, { onUploaded });
        // The last object is the checkpoint: behind it nothing can be interrupted.
        const isInterrupted = await interrupted.archiveSegment(stop.signal).then(
          () => false,
          () => true,
        );
        expect(isInterrupted).toBe(stopAfter < OBJECTS);
        const again = new Archiver(ledger, store);
        expect(await again.open()).toBe(isInterrupted ? 0 : SEGMENT);
        await again.archiveSegment(never);
        expect(digestArchive(again.location)).toEqual(expected);
      }
    });
  });

  it('goes to S3 with the same objects, also when the store fails now and then', async () => {
    await using server = await startS3Server();
    await withLedger(SEGMENT + 10, async (ledger, dir) => {
      const inFolder = new Archiver(ledger, new DirectoryStore(join(dir, 'archive')));
      await inFolder.archiveSegment(never);
      const keys = { accessKeyId: S3_ACCESS_KEY_ID, secretAccessKey: S3_SECRET_ACCESS_KEY };
      const s3 = new S3Store({ endpoint: server.endpoint, region: S3_REGION, bucket: S3_BUCKET, prefix: 'p', ...keys });
      let retries = 0;
      const store = new RetryingStore(s3, never, () => retries++, 1);
      let objects = 0;
      const onUploaded = (): void => {
        if (++objects % 100 === 0) server.fail(2, 503);
      };
      const archiver = new Archiver(ledger, store, { onUploaded, uploadsMax: 8 });
      await archiver.archiveSegment(never);
      expect(retries).toBe(10);
      const expected = readArchive(inFolder.location);
      const ledgerId = toHex(ledger.identity.ledgerId);
      expect(await s3.list('', 2000)).toEqual([...expected.keys()].map((key) => `${ledgerId}/${key}`).toSorted());
      for (const [key, content] of expected)
        expect(Buffer.compare((await s3.get(`${ledgerId}/${key}`, 1_000_000)) ?? new Uint8Array(0), content)).toBe(0);
      expect(archiver.location).toBe(`s3://${S3_BUCKET}/p/${ledgerId}`);
    });
  });

  it('is left alone when it is not an earlier state of this ledger', async () => {
    await withLedger(SEGMENT + 10, async (ledger, dir) => {
      const store = new DirectoryStore(join(dir, 'archive'));
      const archiver = new Archiver(ledger, store);
      await archiver.archiveSegment(never);
      const checkpoint = join(archiver.location, 'checkpoint');
      const open = (source: ArchiveSource = ledger): Promise<number> => new Archiver(source, store).open();
      const signed = readFileSync(checkpoint);

      // The ledger was put back to a state before the archive's.
      const head = { ...ledger.head(), size: SEGMENT - 1 };
      await expect(open(reading(ledger, { head: () => head }))).rejects.toMatchObject({
        code: 'archive-conflict',
        message: expect.stringMatching(/rolled back/),
      });
      // Another history of the same length.
      const otherRoot = reading(ledger, { rootAt: () => ledger.rootAt(SEGMENT - 256) });
      await expect(open(otherRoot)).rejects.toMatchObject({ code: 'archive-conflict', message: expect.stringMatching(/another root/) });
      // Not signed by this ledger, or not at all.
      writeFileSync(checkpoint, signed.toString('utf8').replace(`\n${SEGMENT}\n`, `\n${SEGMENT - 256}\n`));
      await expect(open()).rejects.toMatchObject({ code: 'archive-conflict', message: expect.stringMatching(/did not sign/) });
      writeFileSync(checkpoint, Buffer.from([0xff, 0xfe]));
      await expect(open()).rejects.toMatchObject({ code: 'archive-conflict', message: expect.stringMatching(/cannot be read/) });
      expect(readFileSync(checkpoint)).toEqual(Buffer.from([0xff, 0xfe]));
      writeFileSync(checkpoint, signed);
      expect(await open()).toBe(SEGMENT);
    });
  });

  it('is not believed to hold anything because of a head that was handed out', async () => {
    await withLedger(10, async (ledger, dir) => {
      const store = new DirectoryStore(join(dir, 'archive'));
      const key = `${toHex(ledger.identity.ledgerId)}/checkpoint`;
      const { size, checkpoint } = ledger.head();
      for (const note of [checkpoint, await ledger.signCheckpoint(size)]) {
        await store.put(key, Buffer.from(note));
        const archiver = new Archiver(ledger, store);
        await expect(archiver.open()).rejects.toMatchObject({ code: 'archive-conflict', message: expect.stringContaining('not made for') });
        expect(archiver.size).toBeUndefined();
      }
    });
  });

  it('is read back before anything is removed, and what it lost or holds wrongly is put there again', async () => {
    await withLedger(2 * SEGMENT + 10, async (ledger, dir) => {
      const archiver = new Archiver(ledger, new DirectoryStore(join(dir, 'archive')));
      while (await archiver.archiveSegment(never));
      const holds = (): Promise<boolean> => archiver.holds(SEGMENT, 2 * SEGMENT, never);
      expect(await holds()).toBe(true);
      const bundle = join(archiver.location, 'tile/entries/300');
      const content = readFileSync(bundle);
      const flipped = Uint8Array.from(content, (byte, at) => (at === 1000 ? byte ^ 1 : byte));
      for (const wrong of [flipped, content.subarray(0, 500), Buffer.alloc(0), readFileSync(join(archiver.location, 'tile/entries/301'))]) {
        writeFileSync(bundle, wrong);
        expect(await holds()).toBe(false);
        expect([await archiver.archiveSegment(never), await archiver.archiveSegment(never)]).toEqual([true, false]);
        expect(readFileSync(bundle).equals(content)).toBe(true);
        expect(await holds()).toBe(true);
        assertWhole(readArchive(archiver.location), 2 * SEGMENT);
      }
      rmSync(bundle);
      expect(await holds()).toBe(false);
    });
  });

  it('takes no entry that is not the one that was written', async () => {
    await withLedger(SEGMENT + 10, async (ledger, dir) => {
      const segment = join(dir, 'data/ledger/segments/00000000000000000000.seg');
      const bytes = readFileSync(segment);
      bytes[Math.floor(bytes.length / 2)] ^= 1;
      writeFileSync(segment, bytes);
      const archiver = new Archiver(ledger, new DirectoryStore(join(dir, 'archive')));
      await expect(archiver.archiveSegment(never)).rejects.toMatchObject({
        code: 'io',
        message: expect.stringMatching(/these are not the entries|was changed/),
      });
      expect(readArchive(archiver.location).has('checkpoint')).toBe(false);
    });
  });

  it('is made more slowly while producers wait for the writer', async () => {
    await withLedger(10, async (ledger, dir) => {
      const took = async (isBusy: boolean): Promise<number> => {
        const source = reading(ledger, {
          isBusy: () => isBusy,
          sealedEnd: (seq) => (seq === 0 ? 2560 : undefined),
          tile: () => new Promise((resolve) => setTimeout(() => resolve(Uint8Array.of(1)), 5)),
          signCheckpoint: () => ledger.signCheckpoint(1),
        });
        const startMs = performance.now();
        await new Archiver(source, new DirectoryStore(join(dir, String(isBusy)))).archiveSegment(never);
        return performance.now() - startMs;
      };
      const idleMs = await took(false);
      // Each upload rests four times as long as it took; three times leaves room for what a clock tick adds.
      expect(await took(true)).toBeGreaterThan(3 * Math.min(idleMs, 21 * 5));
    });
  });

  it('loses its partial tiles when the full one is there', async () => {
    await withLedger(10, async (ledger, dir) => {
      // Segments of 32 MiB end before 65,536 leaves: their tiles of level 1 are partial.
      const ends = [768, 65_536 + 768];
      const source = reading(ledger, { sealedEnd: (seq) => ends.find((end) => end > seq), rootAt: async () => new Uint8Array(32) });
      const sized = {
        ...source,
        tile: async () => Uint8Array.of(1),
        signCheckpoint: (size: number) => ledger.signCheckpoint(Math.min(size, 1)),
      };
      const archiver = new Archiver(sized, new DirectoryStore(join(dir, 'archive')));
      await archiver.archiveSegment(never);
      expect([...readArchive(archiver.location).keys()].filter((key) => key.startsWith('tile/1/'))).toEqual(['tile/1/000.p/3']);
      await archiver.archiveSegment(never);
      expect([...readArchive(archiver.location).keys()].filter((key) => key.startsWith('tile/1/'))).toEqual([
        'tile/1/000',
        'tile/1/001.p/3',
      ]);
    });
  });
});

/** The ledger as a source, in part otherwise than it is. */
function reading(ledger: OpenedLedger, change: Partial<ArchiveSource>): ArchiveSource {
  return {
    identity: ledger.identity,
    head: () => ledger.head(),
    rootAt: (size) => ledger.rootAt(size),
    tile: (path) => ledger.tile(path),
    sealedEnd: (seq) => ledger.sealedEnd(seq),
    signCheckpoint: (size) => ledger.signCheckpoint(size),
    ...change,
  };
}
