import { hash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { segmentName } from '../../src/kernel/leaf.ts';
import { SegmentFiles } from '../../src/ledger/segment-files.ts';
import type { WriteJournal } from '../../src/ledger/write-journal.ts';
import { tempDir } from '../support/temp-dir.ts';

/** Writes down what is announced, and what stands on the disk at that moment. */
function recorder(directory: string): { readonly journal: WriteJournal; readonly calls: string[] } {
  const calls: string[] = [];
  const there = (first: number): number | string => {
    try {
      return readFileSync(join(directory, segmentName(first))).length;
    } catch {
      return 'no file';
    }
  };
  const journal: WriteJournal = {
    segment: (first, from, to) => void calls.push(`segment ${first} ${from}–${to}, now ${there(first)}`),
    cut: (first, bytes) => void calls.push(`cut ${first} to ${bytes}, now ${there(first)}`),
    sealed: (first, bytes) => void calls.push(`sealed ${first} at ${bytes}, now ${there(first)}`),
    pruned: (first) => void calls.push(`pruned ${first}`),
    file: (name) => void calls.push(`file ${name}`),
  };
  return { journal, calls };
}

const piece = (segmentFirst: number, fileOffset: number, from: number, to: number) => ({ segmentFirst, fileOffset, from, to });

describe('the writer of segments announces', () => {
  it('what it took over, each piece before it is written, and a full segment once it is closed', async () => {
    using dir = tempDir();
    const { journal, calls } = recorder(dir.path);
    writeFileSync(join(dir.path, segmentName(0)), 'head');
    const files = new SegmentFiles(dir.path, { first: 0, bytes: 4 }, journal);
    files.write(Buffer.from('tailnext'), [piece(0, 4, 0, 4), piece(7, 0, 4, 8)]);
    await files.sync();
    files.close();
    expect(calls).toEqual(['segment 0 4–4, now 4', 'segment 0 4–8, now 4', 'segment 7 0–4, now no file', 'sealed 0 at 8, now 8']);
  });

  it('that it takes back a group of which a segment could not be made', () => {
    using dir = tempDir();
    const { journal, calls } = recorder(dir.path);
    writeFileSync(join(dir.path, segmentName(0)), 'head');
    mkdirSync(join(dir.path, segmentName(7)));
    const files = new SegmentFiles(dir.path, { first: 0, bytes: 4 }, journal);
    expect(() => files.write(Buffer.from('tailnext'), [piece(0, 4, 0, 4), piece(7, 0, 4, 8)])).toThrow(/EEXIST/);
    expect(calls.slice(1)).toEqual(['segment 0 4–8, now 4', 'segment 7 0–4, now no file', 'cut 7 to 0, now no file', 'cut 0 to 4, now 8']);
    expect(readFileSync(join(dir.path, segmentName(0)), 'utf8')).toBe('head');
  });

  it('digests of exactly the bytes that it writes', () => {
    using dir = tempDir();
    const digests: string[] = [];
    const journal = {
      ...recorder(dir.path).journal,
      segment: (...call: Parameters<WriteJournal['segment']>) => void digests.push(call[3]),
    };
    const files = new SegmentFiles(dir.path, { first: 0, bytes: 0 }, journal);
    files.write(Buffer.from('xxbytesxx'), [piece(0, 0, 2, 7)]);
    files.close();
    expect(digests.at(-1)).toBe(hash('sha256', 'bytes', 'latin1'));
  });
});
