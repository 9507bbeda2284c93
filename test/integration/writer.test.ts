import { join } from 'node:path';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { fromUtf8 } from '../../src/kernel/bytes.ts';
import { leafHash } from '../../src/kernel/hashes.ts';
import { LEAF_TYPES, TILE_WIDTH, type Leaf } from '../../src/kernel/leaf.ts';
import { verifyConsistency, verifyInclusion } from '../../src/kernel/merkle.ts';
import { nodeHashes } from '../../src/kernel/node-hashes.ts';
import { openLedger } from '../../src/ledger/open-ledger.ts';
import { openLedgerReader } from '../../src/ledger/open-reader.ts';
import { ledgerPaths } from '../../src/ledger/paths.ts';
import { parseFrames } from '../../src/ledger/read-block.ts';
import { batchOf } from '../support/batch-of.ts';
import { tempDir } from '../support/temp-dir.ts';
import { startWriter } from '../support/writer-in-hand.ts';

const MINUTE_NS = 60_000_000_000n;
const START_NS = 29_000_000n * MINUTE_NS + 5_000_000_000n;

function readLeaves(dataDir: string): Leaf[] {
  const { segments } = ledgerPaths(dataDir);
  return readdirSync(segments)
    .toSorted()
    .flatMap((name) => parseFrames(readFileSync(join(segments, name))));
}

const summaries = (leaves: readonly Leaf[]): unknown[] =>
  leaves.filter((leaf) => leaf.type === LEAF_TYPES.minuteSummary).map((leaf) => JSON.parse(fromUtf8(leaf.payload)));

describe('minute summaries', () => {
  it('close each minute with counts by level and tenant, also across a restart and when nothing arrives', async () => {
    using dir = tempDir();
    let nowNs = START_NS;
    const first = await startWriter(dir.path, { wall: () => nowNs });
    await first.append([{ message: 'a', level: 'error', tenant: 'x' }, { message: 'b' }]);
    await first.close();
    const second = await startWriter(dir.path, { wall: () => nowNs });
    await second.append([{ message: 'c', level: 'error', tenant: 'y' }]);
    nowNs += MINUTE_NS;
    second.writer.tick();
    await second.append([{ message: 'd', level: 'info' }]);
    nowNs += 10n * MINUTE_NS;
    await second.append([{ message: 'e' }]);
    await second.close();
    const minute = Number(START_NS / MINUTE_NS);
    expect(summaries(readLeaves(dir.path))).toEqual([
      { minute, firstSeq: 0, lastSeq: 4, leaves: 5, levels: { error: 2, none: 1 }, tenants: { x: 1, y: 1 }, tenantsOther: 0 },
      { minute: minute + 1, firstSeq: 6, lastSeq: 6, leaves: 1, levels: { info: 1 }, tenants: {}, tenantsOther: 0 },
    ]);
  });

  it('leave an idle ledger alone: a minute with nothing but a summary gets none', async () => {
    using dir = tempDir();
    let nowNs = START_NS;
    const writer = await startWriter(dir.path, { wall: () => nowNs });
    for (let i = 0; i < 5; i++) {
      nowNs += MINUTE_NS;
      writer.writer.tick();
    }
    await writer.close();
    expect(summaries(readLeaves(dir.path))).toHaveLength(1);
  });

  it('name at most 64 tenants and count the rest together', async () => {
    using dir = tempDir();
    let nowNs = START_NS;
    const writer = await startWriter(dir.path, { wall: () => nowNs });
    await writer.append(Array.from({ length: 100 }, (_, i) => ({ message: 'm', tenant: `t${i}` })));
    nowNs += MINUTE_NS;
    await writer.append([{ message: 'next' }]);
    await writer.close();
    const [summary] = summaries(readLeaves(dir.path)) as { tenants: Record<string, number>; tenantsOther: number }[];
    expect(Object.keys(summary.tenants)).toHaveLength(64);
    expect(summary.tenantsOther).toBe(36);
  });
});

describe('time in the ledger', () => {
  it('never goes back when the clock does', async () => {
    using dir = tempDir();
    let nowNs = START_NS;
    const writer = await startWriter(dir.path, { wall: () => nowNs });
    for (const step of [1_000n, -3_600_000_000_000n, 5n, -1n, 60_000_000_000n]) {
      nowNs += step;
      await writer.append([{ message: 'tick' }]);
    }
    await writer.close();
    const times = readLeaves(dir.path).map((leaf) => leaf.timeNs);
    expect(times).toEqual(times.toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0)));
    expect(times.every((timeNs) => timeNs >= START_NS)).toBe(true);
  });
});

describe('segments', () => {
  it('end at 65,536 leaves, and proofs, tiles and reading cross the border', async () => {
    using dir = tempDir();
    const ledger = await openLedger({ dataDir: dir.path });
    const batch = Array.from({ length: 9_000 }, (_, i) => ({ message: `m${i}` }));
    await Promise.all(Array.from({ length: 8 }, () => ledger.append({ events: batchOf(batch) })));
    const { size, root } = ledger.head();
    expect(readdirSync(ledgerPaths(dir.path).segments)).toEqual(['00000000000000000000.seg', '00000000000000065536.seg']);
    expect(parseFrames(readFileSync(join(ledgerPaths(dir.path).segments, '00000000000000000000.seg')))).toHaveLength(65_536);
    for (const index of [0, 255, 256, 65_535, 65_536, size - 1]) {
      for await (const leaf of ledger.leaves(index, index + 1)) {
        expect(
          verifyInclusion(nodeHashes, index, size, leafHash(nodeHashes, leaf.bytes), await ledger.inclusionProof(index, size), root),
        ).toBe(true);
      }
    }
    for (const old of [1, 256, 65_535, 65_536, 65_537, size]) {
      expect(verifyConsistency(nodeHashes, old, size, await ledger.rootAt(old), root, await ledger.consistencyProof(old, size))).toBe(true);
    }
    const seqs: number[] = [];
    for await (const leaf of ledger.leaves(65_500, 65_600)) seqs.push(leaf.seq);
    expect(seqs).toEqual(Array.from({ length: 100 }, (_, i) => 65_500 + i));
    expect((await ledger.tile({ level: 1, index: 1, width: 1 }))?.length).toBe(32);
    expect(await ledger.tile({ level: 0, index: Math.floor(size / TILE_WIDTH), width: 256 })).toBeUndefined();
    await ledger.close();
    const reader = openLedgerReader(dir.path);
    expect(reader.head().size).toBeGreaterThan(size);
    expect(Buffer.from(await reader.rootAt(size))).toEqual(Buffer.from(root));
    const again = await openLedger({ dataDir: dir.path });
    expect(again.head()).toMatchObject({ size: reader.head().size, root: reader.head().root });
    expect(again.stats().recoveries).toBe(0);
    await again.close();
  });

  it('end at the first multiple of 256 leaves past 32 MiB', async () => {
    using dir = tempDir();
    const ledger = await openLedger({ dataDir: dir.path });
    const message = 'x'.repeat(60_000);
    for (let i = 0; i < 8; i++) await ledger.append({ events: batchOf(Array.from({ length: 100 }, () => ({ message }))) });
    await ledger.close();
    // 560 entries of 60,071 bytes pass 33,554,432 bytes; 768 is the next multiple of 256.
    expect(readdirSync(ledgerPaths(dir.path).segments)).toEqual(['00000000000000000000.seg', '00000000000000000768.seg']);
    const again = await openLedger({ dataDir: dir.path });
    // Beside the genesis and the final seal there is one for each second.
    expect(again.head().size).toBeGreaterThanOrEqual(802);
    await again.close();
  });
});
