import { deflateRawSync } from 'node:zlib';
import { beforeAll, describe, expect, it } from 'vitest';
import { ARCHIVE_PATHS, PATHS } from '../../src/bundle/format.ts';
import { writeZip } from '../../src/bundle/write-zip.ts';
import { ArchiveFormatError, readArchive } from '../../src/verify/bundle-archive.ts';

const CONTENT = new Map(ARCHIVE_PATHS.map((path) => [path, Buffer.from(path === PATHS.events ? '' : `content of ${path}\n`.repeat(20))]));
const END_BYTES = 22;
let zip: Buffer;

beforeAll(async () => {
  zip = Buffer.from(await writeZip(CONTENT));
});

const centralAt = (): number => zip.readUInt32LE(zip.length - 6);

function refusal(bytes: Uint8Array): string {
  try {
    readArchive(bytes);
  } catch (error) {
    if (error instanceof ArchiveFormatError) return error.message;
    throw error;
  }
  throw new Error('not refused');
}

/** A copy with `change` applied to it. */
function changed(change: (bytes: Buffer) => Buffer | void): Buffer {
  const copy = Buffer.from(zip);
  return change(copy) ?? copy;
}

/** One entry's own headers and data by hand, for archives that no writer makes. */
function rebuilt(path: string, compressed: Buffer, statedBytes: number): Buffer {
  const files = readArchive(zip);
  const locals: Buffer[] = [];
  const centrals: Buffer[] = [];
  let at = 0;
  let central = centralAt();
  for (const file of files) {
    const isOther = file.path === path;
    const data = isOther ? compressed : Buffer.from(file.compressed);
    const header = Buffer.from(zip.subarray(central, central + 46 + file.path.length));
    header.writeUInt32LE(data.length, 20);
    if (isOther) header.writeUInt32LE(statedBytes, 24);
    header.writeUInt32LE(at, 42);
    const local = Buffer.alloc(30 + file.path.length);
    local.writeUInt32LE(0x04034b50, 0);
    header.copy(local, 4, 6, 16);
    local.writeUInt16LE(file.path.length, 26);
    local.write(file.path, 30);
    const descriptor = Buffer.alloc(16);
    descriptor.writeUInt32LE(0x08074b50, 0);
    header.copy(descriptor, 4, 16, 28);
    locals.push(local, data, descriptor);
    centrals.push(header);
    at += local.length + data.length + descriptor.length;
    central += 46 + file.path.length;
  }
  const directory = Buffer.concat(centrals);
  const end = Buffer.from(zip.subarray(-END_BYTES));
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(at, 16);
  return Buffer.concat([...locals, directory, end]);
}

describe('readArchive', () => {
  it('gives back every file, an empty one too', () => {
    const files = readArchive(zip);
    expect(files.map(({ path }) => path)).toEqual(ARCHIVE_PATHS);
    for (const { path, content, isCrcRight } of files) {
      expect(Buffer.compare(content, CONTENT.get(path) ?? Buffer.alloc(1))).toBe(0);
      expect(isCrcRight).toBe(true);
    }
  });

  it('reads what is rebuilt by hand in the same way', () => {
    const [first] = readArchive(zip);
    expect(Buffer.compare(rebuilt(first.path, Buffer.from(first.compressed), first.content.length), zip)).toBe(0);
  });

  it.each<[string, (bytes: Buffer) => Buffer | void]>([
    ['nothing', () => Buffer.alloc(0)],
    ['bytes before the first file', (bytes) => Buffer.concat([Buffer.from('x'), bytes])],
    ['bytes after the end', (bytes) => Buffer.concat([bytes, Buffer.from('x')])],
    ['a comment', (bytes) => void bytes.writeUInt16LE(1, bytes.length - 2)],
    ['another number of files', (bytes) => void bytes.writeUInt16LE(9, bytes.length - 12)],
    ['another disk', (bytes) => void bytes.writeUInt16LE(1, bytes.length - 18)],
    ['a directory elsewhere', (bytes) => void bytes.writeUInt32LE(centralAt() - 1, bytes.length - 6)],
    ['another name in the directory only', (bytes) => void bytes.write('verify.md', centralAt() + 46)],
    ['another name in the local header only', (bytes) => void bytes.write('verify.md', 30)],
    ['a path that climbs', (bytes) => (void bytes.write('../../a.m', centralAt() + 46), void bytes.write('../../a.m', 30))],
    ['an absolute path', (bytes) => (void bytes.write('/etc/pass', centralAt() + 46), void bytes.write('/etc/pass', 30))],
    ['a symlink', (bytes) => void bytes.writeUInt32LE(0xa1a40020, centralAt() + 38)],
    ['an executable', (bytes) => void bytes.writeUInt32LE(0x81ed0020, centralAt() + 38)],
    ['encryption', (bytes) => (void bytes.writeUInt16LE(9, centralAt() + 8), void bytes.writeUInt16LE(9, 6))],
    ['another method', (bytes) => (void bytes.writeUInt16LE(12, centralAt() + 10), void bytes.writeUInt16LE(12, 8))],
    ['another date', (bytes) => (void bytes.writeUInt16LE(0x22, centralAt() + 14), void bytes.writeUInt16LE(0x22, 12))],
    ['an extra field', (bytes) => void bytes.writeUInt16LE(4, centralAt() + 30)],
    ['sizes in the local header', (bytes) => void bytes.writeUInt32LE(1, 18)],
    ['a size of ZIP64', (bytes) => void bytes.writeUInt32LE(0xffffffff, centralAt() + 24)],
    ['an entry that begins inside another', (bytes) => void bytes.writeUInt32LE(1, centralAt() + 42)],
    ['more bytes than a bundle may have', () => Buffer.alloc(5_000_001)],
  ])('refuses %s', (_, change) => {
    expect(refusal(changed(change))).not.toBe('');
  });

  it('refuses every truncation', () => {
    for (let length = 0; length < zip.length; length += 7) expect(refusal(zip.subarray(0, length))).not.toBe('');
  });

  it('inflates no more than was stated', () => {
    const bomb = deflateRawSync(Buffer.alloc(10_000_000), { level: 9 });
    expect(refusal(rebuilt(PATHS.guide, bomb, 1000))).toContain('cannot be inflated');
  });

  it('refuses a stated size that no compression reaches, and a total beyond all bundles', () => {
    expect(refusal(rebuilt(PATHS.guide, Buffer.from([3, 0]), 50_000_000))).toContain('impossible size');
    const bomb = deflateRawSync(Buffer.alloc(110_000_000), { level: 1 });
    expect(refusal(rebuilt(PATHS.guide, bomb, 110_000_000))).toContain('more than 100000000');
  });

  it('refuses compressed data with something behind it', () => {
    const [first] = readArchive(zip);
    const padded = Buffer.concat([first.compressed, Buffer.from('hidden')]);
    expect(refusal(rebuilt(first.path, padded, first.content.length))).toContain('bytes after the compressed data');
  });

  it('refuses less content than was stated', () => {
    const [first] = readArchive(zip);
    expect(refusal(rebuilt(first.path, deflateRawSync(first.content.subarray(1)), first.content.length))).toContain('bytes, not');
  });
});
