import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { segmentName } from '../../src/kernel/leaf.ts';
import { SegmentFiles } from '../../src/ledger/segment-files.ts';
import { NO_JOURNAL } from '../../src/ledger/write-journal.ts';
import { tempDir } from '../support/temp-dir.ts';

const piece = (segmentFirst: number, fileOffset: number, from: number, to: number) => ({ segmentFirst, fileOffset, from, to });
const openDescriptors = (): number => readdirSync('/proc/self/fd').length;

it('closes each full segment, also when nothing was written to it after its last sync', async () => {
  using dir = tempDir();
  writeFileSync(join(dir.path, segmentName(0)), '');
  const files = new SegmentFiles(dir.path, { first: 0, bytes: 0 }, NO_JOURNAL);
  files.write(Buffer.from('first'), [piece(0, 1, 0, 5)]);
  await files.sync();
  const before = openDescriptors();
  for (let segment = 1; segment <= 40; segment++) {
    files.write(Buffer.from('x'), [piece(segment, 0, 0, 1)]);
    await files.sync();
  }
  expect(openDescriptors()).toBe(before);
  files.close();
});

it('takes a group back from both files when the second cannot be made, and goes on in the first', async () => {
  using dir = tempDir();
  writeFileSync(join(dir.path, segmentName(0)), 'kept');
  const files = new SegmentFiles(dir.path, { first: 0, bytes: 0 }, NO_JOURNAL);
  // A folder in the way of the second segment.
  mkdirSync(join(dir.path, segmentName(9)));
  expect(() => files.write(Buffer.from('AABB'), [piece(0, 4, 0, 2), piece(9, 0, 2, 4)])).toThrow(/EEXIST/);
  expect(readFileSync(join(dir.path, segmentName(0)), 'utf8')).toBe('kept');
  files.write(Buffer.from('CC'), [piece(0, 4, 0, 2)]);
  await files.sync();
  expect(readFileSync(join(dir.path, segmentName(0)), 'utf8')).toBe('keptCC');
  files.close();
});
