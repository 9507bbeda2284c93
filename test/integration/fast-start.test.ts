import { createHash } from 'node:crypto';
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { toHex } from '../../src/kernel/bytes.ts';
import { segmentName } from '../../src/kernel/leaf.ts';
import { nodeHashes } from '../../src/kernel/node-hashes.ts';
import { openLedger, type OpenedLedger } from '../../src/ledger/open-ledger.ts';
import { openLedgerReader } from '../../src/ledger/open-reader.ts';
import { encodeSegmentIndex, parseSegmentIndex, segmentIndexName, type SegmentIndex } from '../../src/ledger/segment-index.ts';
import { buildSegmentIndex, ledgerStart } from '../../src/ledger/segment-index-builder.ts';
import { batchOf } from '../support/batch-of.ts';
import { fillLedger } from '../support/fill-ledger.ts';
import { tempDir } from '../support/temp-dir.ts';

const SEGMENT = 65_536;
const FIRSTS = [0, SEGMENT];

const tagOf = (key: string, body: string): Uint8Array =>
  Buffer.concat([createHash('sha256').update(key).digest(), createHash('sha256').update(body).digest()]);

/** A ledger of two full segments and the beginning of a third, with keyed requests in each and across a border; closed. */
const made = tempDir();
const known: Record<string, { first: number; last: number }> = {};

beforeAll(async () => {
  // Many epochs, so that both segments end in sealed ones.
  const ledger = await openLedger({ dataDir: made.path, sealAfterMs: 20 });
  known['early'] = await appendKeyed(ledger, 'early', 3);
  await fillLedger(ledger, SEGMENT - 1000);
  // From before the border of the first segment to behind it.
  known['border'] = await appendKeyed(ledger, 'border', 2000);
  await fillLedger(ledger, SEGMENT);
  known['late'] = await appendKeyed(ledger, 'late', 2);
  await ledger.close();
});

afterAll(() => made[Symbol.dispose]());

function appendKeyed(ledger: OpenedLedger, key: string, events: number) {
  const levels = ['info', 'error', undefined] as const;
  const batch = Array.from({ length: events }, (_, i) => {
    const level = levels[i % 3];
    return { message: `${key} ${i}`, tenant: `tenant-${i % 70}`, ...(level === undefined ? {} : { level }) };
  });
  return ledger.append({ events: batchOf(batch), requestTag: tagOf(key, 'body') });
}

/** A copy of that ledger to do things to. */
async function withCopy(change: (dir: string) => void, run: (ledger: OpenedLedger, dir: string) => Promise<void>): Promise<void> {
  using dir = tempDir();
  cpSync(made.path, dir.path, { recursive: true });
  change(dir.path);
  const ledger = await openLedger({ dataDir: dir.path });
  try {
    await run(ledger, dir.path);
  } finally {
    await ledger.close();
  }
}

const indexPath = (dir: string, first: number): string => join(dir, 'ledger/index', segmentIndexName(first));
const segmentPath = (dir: string, first: number): string => join(dir, 'ledger/segments', segmentName(first));
const readIndexFile = (dir: string, first: number): SegmentIndex => parseSegmentIndex(nodeHashes, readFileSync(indexPath(dir, first)));

/** Rewrites an index with the checksum that belongs to it. */
function forge(dir: string, first: number, change: (index: SegmentIndex) => Partial<SegmentIndex>): void {
  const index = readIndexFile(dir, first);
  writeFileSync(indexPath(dir, first), encodeSegmentIndex(nodeHashes, { ...index, ...change(index) }));
}

describe('the index of a full segment', () => {
  it('says what the leaves of the segment say', () => {
    expect(readdirSync(join(made.path, 'ledger/index'))).toEqual(FIRSTS.map(segmentIndexName));
    let start = ledgerStart(true);
    for (const first of FIRSTS) {
      const built = buildSegmentIndex(segmentPath(made.path, first), start);
      start = built.next;
      expect(toHex(readFileSync(indexPath(made.path, first)))).toBe(toHex(encodeSegmentIndex(nodeHashes, built.index)));
    }
    expect(readIndexFile(made.path, 0).requests.map(({ first, last }) => ({ first, last }))).toEqual([pick('early')]);
    expect(readIndexFile(made.path, SEGMENT).requests.map(({ first, last }) => ({ first, last }))).toEqual([pick('border')]);
  });
});

const pick = (key: string): { first: number; last: number } => ({ first: known[key].first, last: known[key].last });

describe('a start', () => {
  it('reads the end alone: what was changed further up is found by whoever reads it', async () => {
    const flip = (dir: string): void => {
      const bytes = readFileSync(segmentPath(dir, SEGMENT));
      bytes[1000] ^= 1;
      writeFileSync(segmentPath(dir, SEGMENT), bytes);
    };
    await withCopy(flip, async (ledger) => {
      expect(ledger.start).toMatchObject({ walkedFrom: 2 * SEGMENT, indexFault: undefined });
      await expect(ledger.tile({ level: 'entries', index: 256, width: 256 })).rejects.toMatchObject({ code: 'io' });
      await expect(ledger.tile({ level: 'entries', index: 255, width: 256 })).resolves.toBeDefined();
      await expect(ledger.inclusionProof(SEGMENT + 1, ledger.head().size)).rejects.toMatchObject({ code: 'io' });
    });
  });

  it('goes on with the same tree, proofs and times as before', async () => {
    await withCopy(
      () => undefined,
      async (ledger) => {
        expect(ledger.start.walkedFrom).toBe(2 * SEGMENT);
        await fillLedger(ledger, 1000);
        const { size, root } = ledger.head();
        expect(toHex(await ledger.rootAt(size))).toBe(toHex(root));
        const times: bigint[] = [];
        for await (const leaf of ledger.leaves(SEGMENT - 10, SEGMENT + 10)) times.push(leaf.timeNs);
        expect(times).toHaveLength(20);
        const found = await ledger.firstAtOrAfter(times[10]);
        for await (const leaf of ledger.leaves(found, found + 1)) expect(leaf.timeNs).toBeGreaterThanOrEqual(times[10]);
        for await (const leaf of ledger.leaves(found - 1, found)) expect(leaf.timeNs).toBeLessThan(times[10]);
      },
    );
  });

  it.each(['early', 'border', 'late'])('still knows the keyed request %j', async (key) => {
    await withCopy(
      () => undefined,
      async (ledger) => {
        const sizeBefore = ledger.acknowledged.head().size;
        const again = await ledger.append({ events: batchOf([{ message: 'again' }]), requestTag: tagOf(key, 'body') });
        expect(again).toMatchObject({ ...pick(key), isReplay: true });
        const other = ledger.append({ events: batchOf([{ message: 'x' }]), requestTag: tagOf(key, 'another body') });
        await expect(other).rejects.toMatchObject({ code: 'key-reused' });
        // A seal may land by itself.
        expect(ledger.acknowledged.head().size - sizeBefore).toBeLessThan(3);
      },
    );
  });

  it.each([
    ['is missing', (dir: string) => rmSync(indexPath(dir, 0))],
    ['is torn', (dir: string) => writeFileSync(indexPath(dir, 0), readFileSync(indexPath(dir, 0)).subarray(0, 5000))],
    ['is of another segment', (dir: string) => cpSync(indexPath(dir, SEGMENT), indexPath(dir, 0))],
    ['states another file size', (dir: string) => forge(dir, 0, ({ bytes }) => ({ bytes: bytes + 1 }))],
    ['are all missing', (dir: string) => rmSync(join(dir, 'ledger/index'), { recursive: true })],
  ])('makes an index again that %s', async (_what, change) => {
    const right = readFileSync(indexPath(made.path, 0));
    await withCopy(change, async (ledger, dir) => {
      expect(ledger.start.indexFault).toBeUndefined();
      expect(readFileSync(indexPath(dir, 0)).equals(right)).toBe(true);
      expect(toHex(await ledger.rootAt(SEGMENT))).toBe(toHex(await rootOf(SEGMENT)));
    });
  });

  const replaced = new Uint8Array(32).fill(7);
  it.each([
    ['root of a block', ({ blocks }: SegmentIndex) => ({ blocks: blocks.with(9, { ...blocks[9], root: replaced }) })],
    ['epoch', ({ epochs }: SegmentIndex) => ({ epochs: { ...epochs, epoch: epochs.epoch - 1 } })],
  ])('reads everything when an index states another %s, and makes it again', async (_what, change) => {
    const forgeLast = (dir: string): void => forge(dir, SEGMENT, change);
    await withCopy(forgeLast, async (ledger, dir) => {
      expect(ledger.start).toMatchObject({ walkedFrom: 0, indexFault: expect.any(String) });
      expect(readFileSync(indexPath(dir, SEGMENT)).equals(readFileSync(indexPath(made.path, SEGMENT)))).toBe(true);
      expect(toHex(await ledger.rootAt(2 * SEGMENT))).toBe(toHex(await rootOf(2 * SEGMENT)));
    });
  });

  it.each([
    ['beginning of the running epoch', ({ epochs }: SegmentIndex) => ({ epochs: { ...epochs, firstSeq: 5 } })],
    ['opening of the running epoch', ({ epochs }: SegmentIndex) => ({ epochs: { ...epochs, openedNs: epochs.openedNs - 1n } })],
    ['MAC of the last entry', () => ({ lastMac: replaced })],
  ])('reads everything when an index states another %s', async (_what, change) => {
    using dir = tempDir();
    const crashed = join(dir.path, 'crashed');
    const running = await openLedger({ dataDir: join(dir.path, 'running'), sealAfterMs: 1e9 });
    await fillLedger(running, SEGMENT + 100);
    // The index is written behind the acknowledgement, and before the next one.
    await fillLedger(running, 1);
    // As if it had been killed here: its only epoch has no seal yet.
    cpSync(join(dir.path, 'running'), crashed, { recursive: true });
    await running.close();
    forge(crashed, 0, change);
    const ledger = await openLedger({ dataDir: crashed, sealAfterMs: 1e9 });
    expect(ledger.start).toMatchObject({ walkedFrom: 0, indexFault: expect.any(String) });
    await ledger.close();
    const again = await openLedger({ dataDir: crashed });
    expect(again.start).toMatchObject({ walkedFrom: SEGMENT, indexFault: undefined });
    await again.close();
  });

  it('serves nothing that a forged offset or time points to', async () => {
    const forgeBlocks = (dir: string): void =>
      forge(dir, 0, ({ blocks }) => ({
        blocks: blocks.with(9, { ...blocks[9], offset: blocks[9].offset + 1 }).with(20, { ...blocks[20], timeNs: blocks[21].timeNs }),
      }));
    await withCopy(forgeBlocks, async (ledger) => {
      for (const block of [8, 9]) await expect(collect(ledger, block * 256)).rejects.toMatchObject({ code: 'io' });
      if (readIndexFile(made.path, 0).blocks[20].timeNs !== readIndexFile(made.path, 0).blocks[21].timeNs)
        await expect(collect(ledger, 20 * 256)).rejects.toMatchObject({ code: 'io' });
      expect(await collect(ledger, 30 * 256)).toBe(256);
    });
  });

  it('stores a request again that only a forged index knows', async () => {
    const tag = tagOf('never sent', 'body');
    const digests = { keyDigest: Buffer.from(tag).toString('latin1', 0, 16), bodyDigest: Buffer.from(tag).toString('latin1', 32, 48) };
    const forgeRequest = (dir: string): void =>
      forge(dir, SEGMENT, ({ requests }) => ({ requests: [...requests, { ...digests, first: SEGMENT + 5000, last: SEGMENT + 5001 }] }));
    await withCopy(forgeRequest, async (ledger) => {
      const appended = await ledger.append({ events: batchOf([{ message: 'mine' }]), requestTag: tag });
      expect(appended.isReplay).toBe(false);
      expect(appended.first).toBeGreaterThan(2 * SEGMENT);
      const again = await ledger.append({ events: batchOf([{ message: 'mine' }]), requestTag: tag });
      expect(again).toMatchObject({ first: appended.first, last: appended.last, isReplay: true });
    });
  });

  it('refuses a cut ledger, as if it had read everything', async () => {
    using dir = tempDir();
    cpSync(made.path, dir.path, { recursive: true });
    const last = segmentPath(dir.path, 2 * SEGMENT);
    writeFileSync(last, readFileSync(last).subarray(0, 100));
    await expect(openLedger({ dataDir: dir.path })).rejects.toMatchObject({ code: 'truncated' });
    rmSync(last);
    await expect(openLedger({ dataDir: dir.path })).rejects.toMatchObject({ code: 'truncated' });
  });

  it('refuses a ledger without one of its full segments', async () => {
    using dir = tempDir();
    cpSync(made.path, dir.path, { recursive: true });
    rmSync(segmentPath(dir.path, SEGMENT));
    await expect(openLedger({ dataDir: dir.path })).rejects.toMatchObject({ code: 'tampered' });
    // An index in pruned/ alone is no statement that the segment was removed.
    cpSync(indexPath(dir.path, SEGMENT), join(dir.path, 'ledger/pruned', segmentIndexName(SEGMENT)));
    await expect(openLedger({ dataDir: dir.path })).rejects.toMatchObject({
      code: 'tampered',
      message: expect.stringContaining('no entry says that it was removed'),
    });
  });

  it('takes an older checkpoint file for what was public last', async () => {
    const older = readFileSync(join(made.path, 'ledger/checkpoint'), 'utf8');
    const first = await openLedger({ dataDir: made.path });
    const note = await first.signCheckpoint(SEGMENT - 300);
    await first.close();
    const replaceNote = (dir: string): void => writeFileSync(join(dir, 'ledger/checkpoint'), note);
    await withCopy(replaceNote, async (ledger) => {
      expect(ledger.start).toMatchObject({ walkedFrom: 2 * SEGMENT, indexFault: undefined });
      expect(ledger.stats().recoveries).toBe(0);
    });
    expect(older).not.toBe(note);
  });
});

async function collect(ledger: OpenedLedger, first: number): Promise<number> {
  let count = 0;
  for await (const leaf of ledger.leaves(first, first + 256)) count += leaf.seq >= first ? 1 : 0;
  return count;
}

/** From the leaves, by the segment files. */
async function rootOf(size: number): Promise<Uint8Array> {
  return openLedgerReader(made.path).rootAt(size);
}

describe('reading without a writer', () => {
  it('takes the indexes that lead to the signed root, and reads everything where they do not', async () => {
    using dir = tempDir();
    cpSync(made.path, dir.path, { recursive: true });
    const whole = openLedgerReader(dir.path);
    const { size, root } = whole.head();
    expect(whole.stopped).toBeUndefined();
    // Only a reader that took the index says nothing of a changed segment before it reads there.
    const bytes = readFileSync(segmentPath(dir.path, 0));
    bytes[bytes.length - 1000] ^= 1;
    writeFileSync(segmentPath(dir.path, 0), bytes);
    const quick = openLedgerReader(dir.path);
    expect([quick.stopped, quick.head().size, toHex(quick.head().root)]).toEqual([undefined, size, toHex(root)]);
    await expect(quick.tile({ level: 'entries', index: 255, width: 256 })).rejects.toMatchObject({ code: 'io' });
    forge(dir.path, SEGMENT, ({ blocks }) => ({ blocks: blocks.with(3, { ...blocks[3], root: blocks[4].root }) }));
    const slow = openLedgerReader(dir.path);
    expect(toHex(slow.head().root)).not.toBe(toHex(root));
    rmSync(segmentPath(dir.path, 0));
    expect(() => openLedgerReader(dir.path)).toThrow('no readable beginning');
  });
});
