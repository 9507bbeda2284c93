import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { parseSegmentName, segmentName } from '../../src/kernel/leaf.ts';
import type { JournaledFile, WriteJournal } from '../../src/ledger/write-journal.ts';
import { tempDir } from '../support/temp-dir.ts';
import { startWriter } from '../support/writer-in-hand.ts';

const START_NS = 1_767_323_045_000_000_000n;

const sha256 = (content: Uint8Array): string => createHash('sha256').update(content).digest('latin1');

/** Believes the announcements alone, and notes whenever the disk is ahead of them. */
class Listener implements WriteJournal {
  readonly #dataDir: string;
  readonly pieces = new Map<number, { from: number; to: number; sha256: string }[]>();
  readonly files = new Map<JournaledFile, string>();
  readonly sealedSegments: { first: number; bytes: number }[] = [];
  readonly early: string[] = [];

  constructor(dataDir: string) {
    this.#dataDir = dataDir;
  }

  path(name: JournaledFile): string {
    return name === 'epoch-key' ? join(this.#dataDir, 'keys', 'epoch.key') : join(this.#dataDir, 'ledger', name);
  }

  segmentPath(first: number): string {
    return join(this.#dataDir, 'ledger', 'segments', segmentName(first));
  }

  segment(first: number, from: number, to: number, digest: string): void {
    const bytes = existsSync(this.segmentPath(first)) ? statSync(this.segmentPath(first)).size : 0;
    if (bytes !== from) this.early.push(`segment ${first} has ${bytes} bytes before ${from}–${to} is written`);
    this.pieces.set(first, [...(this.pieces.get(first) ?? []), { from, to, sha256: digest }]);
  }

  cut(first: number, bytes: number): void {
    this.pieces.set(
      first,
      (this.pieces.get(first) ?? []).filter((piece) => piece.to <= bytes),
    );
  }

  sealed(first: number, bytes: number): void {
    this.sealedSegments.push({ first, bytes });
  }

  pruned(): void {
    expect.unreachable();
  }

  file(name: JournaledFile, digest: string): void {
    const before = this.files.get(name);
    const there = existsSync(this.path(name)) ? sha256(readFileSync(this.path(name))) : undefined;
    if (before !== undefined && there !== before) this.early.push(`${name} was changed before that was announced`);
    this.files.set(name, digest);
  }

  /** What of the disk was not announced. */
  strange(): string[] {
    const strange = [...this.early];
    for (const name of readdirSync(join(this.#dataDir, 'ledger', 'segments'))) {
      const content = readFileSync(join(this.#dataDir, 'ledger', 'segments', name));
      const pieces = this.pieces.get(parseSegmentName(name) ?? -1) ?? [];
      let end = pieces[0]?.from;
      for (const piece of pieces) {
        if (piece.from !== end || sha256(content.subarray(piece.from, piece.to)) !== piece.sha256) strange.push(`${name} at ${piece.from}`);
        end = piece.to;
      }
      if (end !== content.length) strange.push(`${name} ends at ${content.length}, announced was ${end}`);
    }
    for (const [name, digest] of this.files) if (sha256(readFileSync(this.path(name))) !== digest) strange.push(name);
    return strange;
  }
}

it('announces every change before it is made: appends, seals, new segments, checkpoints, watermarks and keys', async () => {
  using dir = tempDir();
  let nowNs = START_NS;
  const made = await startWriter(dir.path, { wall: () => nowNs });
  await made.append([{ message: 'before anybody listens' }]);
  await made.close();
  const listener = new Listener(dir.path);
  const writer = await startWriter(dir.path, { wall: () => nowNs, sealLimits: { afterMs: 1000 }, journal: listener });
  expect([...listener.files.keys()].toSorted()).toEqual(['checkpoint', 'epoch-key', 'watermark']);
  expect(listener.strange()).toEqual([]);
  const batch = Array.from({ length: 8000 }, (_, i) => ({ message: `m${i}` }));
  for (let group = 0; group < 10; group++) {
    await writer.append(batch);
    nowNs += 700_000_000n;
    writer.writer.tick();
    await writer.append([{ message: 'behind it' }]);
    expect(listener.early).toEqual([]);
  }
  await writer.close();
  expect(listener.strange()).toEqual([]);
  const full = statSync(listener.segmentPath(0)).size;
  expect(listener.sealedSegments).toEqual([{ first: 0, bytes: full }]);
});
