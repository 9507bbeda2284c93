import fc from 'fast-check';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { toHex } from '../../src/kernel/bytes.ts';
import { LEVELS } from '../../src/kernel/levels.ts';
import { segmentName } from '../../src/kernel/leaf.ts';
import { nodeHashes } from '../../src/kernel/node-hashes.ts';
import { encodeSegmentIndex, parseSegmentIndex, segmentIndexName } from '../../src/ledger/segment-index.ts';
import { buildSegmentIndex, ledgerStart } from '../../src/ledger/segment-index-builder.ts';
import type { TestEvent } from '../support/batch-of.ts';
import { testSeed } from '../support/seed.ts';
import { tempDir } from '../support/temp-dir.ts';
import { startWriter } from '../support/writer-in-hand.ts';

const SECOND_NS = 1_000_000_000n;
const START_NS = 29_000_000n * 60n * SECOND_NS;
/** So large that a segment is full after some 600 of them and their like. */
const LONG = 'x'.repeat(60_000);

/** What a producer, or the sidecar itself, may append at one time. */
const step = fc.record({
  events: fc.array(
    fc.record({
      isLong: fc.boolean(),
      level: fc.constantFrom(...LEVELS.slice(1), undefined),
      tenant: fc.option(fc.integer({ min: 0, max: 80 }), { nil: undefined }),
    }),
    { minLength: 1, maxLength: 70 },
  ),
  key: fc.option(fc.uuid(), { nil: undefined }),
  record: fc.option(
    fc.constantFrom(
      { type: 'recovery', payload: { action: 'cut', bytes: 1, file: 'f', firstSeq: 1, reason: 'r', sha256: 'a'.repeat(64) } } as const,
      { type: 'config', payload: { archive: '', pruned: { before: 2, from: 1 } } } as const,
      { type: 'heartbeat', payload: { reason: 'r' } } as const,
    ),
    { nil: undefined, freq: 4 },
  ),
  secondsLater: fc.constantFrom(0, 0, 1, 40, 200),
});

function toEvent({ isLong, level, tenant }: { isLong: boolean; level: string | undefined; tenant: number | undefined }): TestEvent {
  return {
    message: isLong ? LONG : 'short',
    ...(level === undefined ? {} : { level: level as Exclude<TestEvent['level'], undefined> }),
    ...(tenant === undefined ? {} : { tenant: `tenant-${tenant}` }),
  };
}

it('what the writer keeps of a segment is what the segment says, wherever a request or a minute or an epoch crosses its end', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 20 }), fc.integer({ min: 50, max: 2000 }), async (steps, leavesMax) => {
      using dir = tempDir();
      let nowNs = START_NS;
      const writer = await startWriter(dir.path, { wall: () => nowNs, sealLimits: { leavesMax } });
      const indexes = (): string[] =>
        readdirSync(join(dir.path, 'ledger')).includes('index') ? readdirSync(join(dir.path, 'ledger/index')) : [];
      // Round and round until two segments are full.
      for (let at = 0; indexes().length < 2; at++) {
        const { events, key, record, secondsLater } = steps[at % steps.length];
        nowNs += BigInt(secondsLater) * SECOND_NS;
        const tag = key === undefined ? undefined : createHash('sha512').update(`${key} ${at}`).digest();
        await writer.append([...events.map(toEvent), { message: LONG }], tag);
        if (record !== undefined) await writer.appendRecord(record);
      }
      await writer.close();
      let start = ledgerStart(true);
      for (const name of indexes()) {
        const written = readFileSync(join(dir.path, 'ledger/index', name));
        const built = buildSegmentIndex(join(dir.path, 'ledger/segments', segmentName(start.first)), start);
        expect(name).toBe(segmentIndexName(start.first));
        const encoded = encodeSegmentIndex(nodeHashes, built.index);
        if (!written.equals(encoded)) expect(parseSegmentIndex(nodeHashes, written)).toEqual(built.index);
        expect(toHex(written)).toBe(toHex(encoded));
        start = built.next;
      }
    }),
    { seed: testSeed(), numRuns: 3 },
  );
});
