import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { logCat } from '../../src/cli/log-cat.ts';
import { logTail } from '../../src/cli/log-tail.ts';
import { toHex } from '../../src/kernel/bytes.ts';
import { leafHash } from '../../src/kernel/hashes.ts';
import { LEAF_TYPES, segmentName } from '../../src/kernel/leaf.ts';
import { verifyConsistency, verifyInclusion } from '../../src/kernel/merkle.ts';
import { nodeHashes } from '../../src/kernel/node-hashes.ts';
import { openLedger, type OpenedLedger } from '../../src/ledger/open-ledger.ts';
import { openLedgerReader } from '../../src/ledger/open-reader.ts';
import { encodeSegmentIndex, parseSegmentIndex, segmentIndexName } from '../../src/ledger/segment-index.ts';
import { captureIo } from '../support/cli-io.ts';
import { fillLedger } from '../support/fill-ledger.ts';
import { startApp } from '../support/running-app.ts';
import { tempDir } from '../support/temp-dir.ts';

const SEGMENT = 65_536;

/** A ledger of three full segments and a bit, closed: the same one after the second segment was pruned. */
const before = tempDir();
const after = tempDir();
let rootBefore = '';
let sizeBefore = 0;

beforeAll(async () => {
  const ledger = await openLedger({ dataDir: before.path });
  await fillLedger(ledger, 3 * SEGMENT + 10);
  await ledger.close();
  cpSync(before.path, after.path, { recursive: true });
  const pruned = await openLedger({ dataDir: after.path });
  sizeBefore = pruned.head().size;
  rootBefore = toHex(pruned.head().root);
  await pruned.prune(2 * SEGMENT, 'the attic');
  await pruned.close();
});

afterAll(() => {
  before[Symbol.dispose]();
  after[Symbol.dispose]();
});

async function reopened(dir: string, run: (ledger: OpenedLedger) => Promise<void>): Promise<void> {
  const ledger = await openLedger({ dataDir: dir });
  try {
    await run(ledger);
  } finally {
    await ledger.close();
  }
}

const segments = (dir: string): string[] => readdirSync(join(dir, 'ledger/segments'));
const gone = { code: 'pruned', message: expect.stringMatching(/65536 to 131071 were removed.*archived in the attic/) };

async function first(leaves: AsyncIterable<unknown>): Promise<unknown> {
  for await (const leaf of leaves) return leaf;
  return undefined;
}

async function assertPruned(ledger: OpenedLedger): Promise<void> {
  // What is gone says so, whoever asks.
  await expect(first(ledger.leaves(SEGMENT, SEGMENT + 1))).rejects.toMatchObject(gone);
  await expect(ledger.tile({ level: 'entries', index: 256, width: 256 })).rejects.toMatchObject(gone);
  await expect(ledger.tile({ level: 0, index: 300, width: 256 })).rejects.toMatchObject(gone);
  await expect(ledger.inclusionProof(SEGMENT + 7, sizeBefore)).rejects.toMatchObject(gone);
  // All else is there: hashes of its blocks, roots, proofs of its neighbours, older heads.
  expect(await ledger.tile({ level: 1, index: 1, width: 256 })).toHaveLength(256 * 32);
  expect(toHex(await ledger.rootAt(sizeBefore))).toBe(rootBefore);
  const root = await ledger.rootAt(sizeBefore);
  for (const seq of [0, SEGMENT - 1, 2 * SEGMENT, sizeBefore - 1]) {
    const path = await ledger.inclusionProof(seq, sizeBefore);
    for await (const leaf of ledger.leaves(seq, seq + 1))
      expect(verifyInclusion(nodeHashes, seq, sizeBefore, leafHash(nodeHashes, leaf.bytes), path, root)).toBe(true);
  }
  const oldSize = SEGMENT + 256;
  const oldRoot = await ledger.rootAt(oldSize);
  expect(verifyConsistency(nodeHashes, oldSize, sizeBefore, oldRoot, root, await ledger.consistencyProof(oldSize, sizeBefore))).toBe(true);
}

describe('pruning', () => {
  it('leaves the first segment, the index of what is gone, and an entry that says so', async () => {
    expect(segments(after.path)).toEqual([0, 2 * SEGMENT, 3 * SEGMENT].map(segmentName));
    expect(readdirSync(join(after.path, 'ledger/pruned'))).toEqual([segmentIndexName(SEGMENT)]);
    expect(readdirSync(join(after.path, 'ledger/index'))).toEqual([0, 2 * SEGMENT].map(segmentIndexName));
    await reopened(after.path, async (ledger) => {
      const payloads: string[] = [];
      for await (const leaf of ledger.leaves(sizeBefore, Number.MAX_SAFE_INTEGER))
        if (leaf.type === LEAF_TYPES.config) payloads.push(Buffer.from(leaf.payload).toString());
      expect(payloads).toEqual([`{"archive":"the attic","pruned":{"before":${2 * SEGMENT},"from":${SEGMENT}}}`]);
    });
  });

  it('is known after a start, and everything else holds', async () => {
    await reopened(after.path, async (ledger) => {
      expect(ledger.start).toMatchObject({ pruning: { from: SEGMENT, before: 2 * SEGMENT }, indexFault: undefined });
      expect(ledger.stats().recoveries).toBe(0);
      expect(ledger.prunedLeaves()).toBe(SEGMENT);
      await assertPruned(ledger);
    });
  });

  it('is known to a reader without a writer', async () => {
    const reader = openLedgerReader(after.path);
    expect(reader.stopped).toBeUndefined();
    await expect(first(reader.leaves(SEGMENT, SEGMENT + 1))).rejects.toMatchObject({ code: 'pruned' });
    expect(toHex(await reader.rootAt(sizeBefore))).toBe(rootBefore);
    expect(await first(reader.leaves(2 * SEGMENT, 2 * SEGMENT + 1))).toMatchObject({ seq: 2 * SEGMENT });
  });

  it('is passed over by the commands that read entries, and said', async () => {
    const cat = captureIo();
    await logCat.run(['--data-dir', after.path, '--json'], cat);
    const seqs = cat
      .out()
      .trimEnd()
      .split('\n')
      .map((line) => (JSON.parse(line) as { seq: number }).seq);
    expect(seqs.length).toBeGreaterThan(2 * SEGMENT);
    expect(seqs.filter((seq) => seq >= SEGMENT && seq < 2 * SEGMENT)).toEqual([]);
    expect(cat.err()).toMatch(/^note: the entries 65536 to 131071 were removed by retention/);
    const tail = captureIo();
    await logTail.run(['--data-dir', after.path, '-n', String(SEGMENT + 100)], tail);
    expect(tail.out().split('\n').length).toBeGreaterThan(SEGMENT);
  });

  it('goes on behind what was pruned before', async () => {
    using dir = tempDir();
    cpSync(after.path, dir.path, { recursive: true });
    await reopened(dir.path, async (ledger) => {
      await ledger.prune(3 * SEGMENT, '');
      expect(segments(dir.path)).toEqual([0, 3 * SEGMENT].map(segmentName));
      await expect(first(ledger.leaves(SEGMENT, SEGMENT + 1))).rejects.toMatchObject({
        message: expect.stringMatching(/65536 to 196607 were removed by retention; they were not archived.*goes on with entry 196608/),
      });
    });
    await reopened(dir.path, async (ledger) => {
      expect(ledger.start.pruning).toEqual({ from: 2 * SEGMENT, before: 3 * SEGMENT, archive: '' });
      expect(ledger.prunedLeaves()).toBe(2 * SEGMENT);
      expect(toHex(await ledger.rootAt(sizeBefore))).toBe(rootBefore);
      await fillLedger(ledger, 100);
    });
  });

  const segment = join('ledger/segments', segmentName(SEGMENT));
  const index = join('ledger/index', segmentIndexName(SEGMENT));
  const prunedIndex = join('ledger/pruned', segmentIndexName(SEGMENT));
  it.each([
    [
      'before anything was moved',
      (dir: string) => {
        cpSync(join(before.path, segment), join(dir, segment));
        renameSync(join(dir, prunedIndex), join(dir, index));
      },
    ],
    ['after the index was moved', (dir: string) => cpSync(join(before.path, segment), join(dir, segment))],
  ])('is finished by the next start when it died %s', async (_when, undo) => {
    using dir = tempDir();
    cpSync(after.path, dir.path, { recursive: true });
    undo(dir.path);
    await reopened(dir.path, async (ledger) => {
      await assertPruned(ledger);
      expect(existsSync(join(dir.path, segment))).toBe(false);
      expect(existsSync(join(dir.path, prunedIndex))).toBe(true);
    });
  });

  it('waits for files that are immutable for a moment', async () => {
    using dir = tempDir();
    cpSync(before.path, dir.path, { recursive: true });
    const held = join(dir.path, segment);
    // Where the flag cannot be set, the file goes at once.
    const setFlag = (change: string): unknown => spawnSync('chattr', [change, '--', held]);
    setFlag('+i');
    try {
      await reopened(dir.path, async (ledger) => {
        const pruned = ledger.prune(2 * SEGMENT, '');
        setTimeout(() => setFlag('-i'), 700);
        await pruned;
        expect(existsSync(held)).toBe(false);
      });
    } finally {
      if (existsSync(held)) setFlag('-i');
    }
  });

  const rightIndex = (): Buffer => readFileSync(join(before.path, index));
  const damages: readonly (readonly [string, (path: string) => void])[] = [
    ['is missing', (path) => rmSync(path)],
    ['belongs to another segment', (path) => cpSync(join(before.path, 'ledger/index', segmentIndexName(0)), path)],
    [
      'was changed together with its checksum',
      (path) => {
        const index = parseSegmentIndex(nodeHashes, rightIndex());
        writeFileSync(path, encodeSegmentIndex(nodeHashes, { ...index, lastMac: new Uint8Array(32) }));
      },
    ],
  ];

  it.each(damages)('makes the index from the segment first when it %s', async (_, damage) => {
    using dir = tempDir();
    cpSync(before.path, dir.path, { recursive: true });
    await reopened(dir.path, async (ledger) => {
      damage(join(dir.path, index));
      await ledger.prune(2 * SEGMENT, '');
    });
    expect(existsSync(join(dir.path, segment))).toBe(false);
    expect(readFileSync(join(dir.path, prunedIndex)).equals(rightIndex())).toBe(true);
  });

  it('goes on from the index of what was pruned before', async () => {
    using dir = tempDir();
    cpSync(after.path, dir.path, { recursive: true });
    const name = segmentIndexName(2 * SEGMENT);
    await reopened(dir.path, async (ledger) => {
      rmSync(join(dir.path, 'ledger/index', name));
      await ledger.prune(3 * SEGMENT, '');
    });
    expect(readFileSync(join(dir.path, 'ledger/pruned', name)).equals(readFileSync(join(before.path, 'ledger/index', name)))).toBe(true);
  });

  it('leaves an index alone that knows of a request from among the removed entries', async () => {
    using dir = tempDir();
    const requestTag = Buffer.alloc(64, 7);
    await reopened(dir.path, async (ledger) => {
      await fillLedger(ledger, 2 * SEGMENT - 1000);
      await fillLedger(ledger, 2000, requestTag);
      await fillLedger(ledger, SEGMENT);
      await ledger.prune(2 * SEGMENT, '');
    });
    const name = segmentIndexName(2 * SEGMENT);
    const index = readFileSync(join(dir.path, 'ledger/index', name));
    expect(parseSegmentIndex(nodeHashes, index).requests).toHaveLength(1);
    await reopened(dir.path, (ledger) => ledger.prune(3 * SEGMENT, ''));
    expect(readFileSync(join(dir.path, 'ledger/pruned', name)).equals(index)).toBe(true);
  });

  it('keeps a segment that does not hold what was signed', async () => {
    using dir = tempDir();
    cpSync(before.path, dir.path, { recursive: true });
    await reopened(dir.path, async (ledger) => {
      const bytes = readFileSync(join(dir.path, segment));
      bytes[Math.floor(bytes.length / 2)] ^= 1;
      writeFileSync(join(dir.path, segment), bytes);
      await expect(ledger.prune(2 * SEGMENT, '')).rejects.toMatchObject({ code: 'io' });
    });
    expect(segments(dir.path)).toHaveLength(4);
  });

  it('is tampering when no entry states it', async () => {
    using dir = tempDir();
    cpSync(before.path, dir.path, { recursive: true });
    mkdirSync(join(dir.path, 'ledger/pruned'));
    renameSync(join(dir.path, index), join(dir.path, prunedIndex));
    renameSync(join(dir.path, segment), join(dir.path, 'gone'));
    await expect(openLedger({ dataDir: dir.path })).rejects.toMatchObject({ code: 'tampered' });
  });
});

describe('over HTTP', () => {
  it('what is gone is answered with 410 and where it is, and reading goes on behind it', async () => {
    using dir = tempDir();
    cpSync(after.path, dir.path, { recursive: true });
    await using app = await startApp({ dataDir: dir.path });
    const seen: number[] = [];
    let cursor: unknown = `${SEGMENT - 3}`;
    for (let page = 0; page < 2; page++) {
      const { status, json } = await app.getJson(`/events?cursor=${String(cursor)}&limit=3`);
      expect(status).toBe(200);
      seen.push(...(json['events'] as { seq: number }[]).map(({ seq }) => seq));
      cursor = json['next'];
      if (cursor === `${SEGMENT}`) break;
    }
    expect(cursor).toBe(`${SEGMENT}`);
    expect(seen.every((seq) => seq < SEGMENT)).toBe(true);
    for (const path of [`/events?cursor=${SEGMENT}`, `/ledger/proof?seq=${SEGMENT}`, '/tile/entries/256', '/tile/0/256']) {
      const { status, headers, json } = await app.getJson(path);
      expect([path, status]).toEqual([path, 410]);
      expect(headers.get('content-type')).toContain('application/problem+json');
      expect(json).toMatchObject({ type: 'urn:post-incident-proofs:error:pruned', detail: gone.message });
    }
    const { json: edge } = await app.getJson(`/events?cursor=${2 * SEGMENT}&limit=1`);
    const [{ receivedAt }] = edge['events'] as { receivedAt: string }[];
    const window = new URLSearchParams({ from: '2026-01-01T00:00:00Z', to: receivedAt }).toString();
    expect((await app.getJson(`/bundles?${window}`)).status).toBe(410);
    expect((await app.getJson(`/events?cursor=${2 * SEGMENT}&limit=2`)).json['events']).toHaveLength(2);
    expect((await fetch(`${app.url}/tile/1/001`)).status).toBe(200);
    expect((await fetch(`${app.url}/ledger/proof?seq=${2 * SEGMENT}`)).status).toBe(200);
    expect(await (await fetch(`${app.url}/metrics`)).text()).toContain(`proofs_ledger_pruned_leaves ${SEGMENT}\n`);
  });

  it('is no alarm for the watch over the files', async () => {
    using dir = tempDir();
    cpSync(before.path, dir.path, { recursive: true });
    await using app = await startApp({ dataDir: dir.path });
    await app.context.ledger.prune(3 * SEGMENT, '');
    expect(segments(dir.path)).toEqual([0, 3 * SEGMENT].map(segmentName));
    await fillLedger(app.context.ledger, SEGMENT);
    // A few rounds of all its looks.
    await new Promise((resolve) => setTimeout(resolve, 1000));
    const metrics = await (await fetch(`${app.url}/metrics`)).text();
    expect(metrics).toContain('\nproofs_ledger_tampered 0\n');
    expect(metrics).toContain('\nproofs_watch_up 1\n');
  });
});
