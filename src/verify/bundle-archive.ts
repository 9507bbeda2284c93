import { crc32, inflateRawSync } from 'node:zlib';
import { ARCHIVE_PATHS, BUNDLE_BYTES_MAX, UNCOMPRESSED_BYTES_MAX, ZIP_FIELDS } from '../bundle/format.ts';
import { fromUtf8 } from '../kernel/bytes.ts';

/** APPNOTE.TXT 6.3.10, sections 4.3.7, 4.3.9, 4.3.12 and 4.3.16. */
const LOCAL = { signature: 0x0403_4b50, bytes: 30 };
const DESCRIPTOR = { signature: 0x0807_4b50, bytes: 16 };
const CENTRAL = { signature: 0x0201_4b50, bytes: 46 };
const END = { signature: 0x0605_4b50, bytes: 22 };
/** RFC 1951 cannot do better than 258 bytes for 2 bits; a higher stated ratio is a lie. */
const DEFLATE_RATIO_MAX = 1032;

/** The archive is not the one of docs/formats/bundle.md. Nothing in it has been believed. */
export class ArchiveFormatError extends Error {}

export interface ArchiveFile {
  readonly path: string;
  readonly content: Uint8Array;
  /** False: the content is not what the archive's own checksum says. */
  readonly isCrcRight: boolean;
  /** The compressed bytes as they stand in the archive. */
  readonly compressed: Uint8Array;
}

interface Central {
  readonly path: string;
  readonly method: number;
  readonly crc: number;
  readonly compressedBytes: number;
  readonly bytes: number;
  readonly offset: number;
}

/**
 * Bytes → files, or throws ArchiveFormatError. There is exactly one layout, so everything that tools disagree about (duplicate
 * names, gaps, overlaps, headers that contradict each other, comments, ZIP64) is refused by comparing with it, before anything
 * is inflated; then sizes are bounded by what was stated.
 */
export function readArchive(bytes: Uint8Array): ArchiveFile[] {
  if (bytes.length > BUNDLE_BYTES_MAX)
    throw new ArchiveFormatError(`it has ${bytes.length} bytes, more than the ${BUNDLE_BYTES_MAX} of a bundle`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const { centralAt, entries } = readDirectory(bytes, view);
  const total = entries.reduce((sum, entry) => sum + entry.bytes, 0);
  if (total > UNCOMPRESSED_BYTES_MAX)
    throw new ArchiveFormatError(`it states ${total} bytes of content, more than ${UNCOMPRESSED_BYTES_MAX}`);
  let at = 0;
  const files = entries.map((entry) => {
    if (entry.offset !== at) throw new ArchiveFormatError(`"${entry.path}" is said to begin at byte ${entry.offset}, not at ${at}`);
    const dataAt = checkLocalHeader(bytes, view, entry, centralAt);
    at = dataAt + entry.compressedBytes + DESCRIPTOR.bytes;
    return readFile(entry, bytes.subarray(dataAt, dataAt + entry.compressedBytes));
  });
  if (at !== centralAt) throw new ArchiveFormatError(`there are ${centralAt - at} bytes between the files and the directory`);
  return files;
}

function readDirectory(bytes: Uint8Array, view: DataView): { centralAt: number; entries: Central[] } {
  const endAt = bytes.length - END.bytes;
  if (endAt < 0 || view.getUint32(endAt, true) !== END.signature)
    throw new ArchiveFormatError('it does not end with the end record of a ZIP without a comment');
  const field = (at: number): number => view.getUint16(endAt + at, true);
  const count = ARCHIVE_PATHS.length;
  if (field(4) !== 0 || field(6) !== 0 || field(20) !== 0) throw new ArchiveFormatError('the end record names other disks or a comment');
  if (field(8) !== count || field(10) !== count) throw new ArchiveFormatError(`it has ${field(10)} files, not ${count}`);
  const centralAt = view.getUint32(endAt + 16, true);
  if (centralAt + view.getUint32(endAt + 12, true) !== endAt)
    throw new ArchiveFormatError('the directory is not where the end record says');
  const entries: Central[] = [];
  let at = centralAt;
  for (const path of ARCHIVE_PATHS) {
    entries.push(readCentral(bytes, view, at, endAt, path));
    at += CENTRAL.bytes + path.length;
  }
  if (at !== endAt) throw new ArchiveFormatError('there are bytes between the directory and the end record');
  return { centralAt, entries };
}

function readCentral(bytes: Uint8Array, view: DataView, at: number, end: number, path: string): Central {
  const nameAt = at + CENTRAL.bytes;
  if (nameAt + path.length > end || view.getUint32(at, true) !== CENTRAL.signature)
    throw new ArchiveFormatError(`the directory has no "${path}" in its place`);
  const short = (offset: number): number => view.getUint16(at + offset, true);
  const long = (offset: number): number => view.getUint32(at + offset, true);
  if (!isName(bytes, nameAt, short(28), path)) throw new ArchiveFormatError(`the directory has another name in the place of "${path}"`);
  const entry = { path, method: short(10), crc: long(16), compressedBytes: long(20), bytes: long(24), offset: long(42) };
  const isPlain =
    short(4) === ZIP_FIELDS.versionMadeBy &&
    isCommon(view, at + 6, entry) &&
    short(30) === 0 &&
    short(32) === 0 &&
    short(34) === 0 &&
    short(36) === 0 &&
    long(38) === ZIP_FIELDS.externalAttributes;
  if (!isPlain) throw new ArchiveFormatError(`"${path}" is not an ordinary file with the fixed date and mode, or has extra fields`);
  if (entry.compressedBytes * DEFLATE_RATIO_MAX < entry.bytes) throw new ArchiveFormatError(`"${path}" states an impossible size`);
  return entry;
}

/** Version needed, flags, method, time, date: in the same order in both headers. */
function isCommon(view: DataView, at: number, entry: { readonly method: number; readonly bytes: number }): boolean {
  const method = entry.bytes === 0 ? ZIP_FIELDS.methodStored : ZIP_FIELDS.methodDeflate;
  const fields = [ZIP_FIELDS.versionNeeded, ZIP_FIELDS.flags, method, ZIP_FIELDS.time, ZIP_FIELDS.date];
  return fields.every((value, i) => view.getUint16(at + 2 * i, true) === value);
}

/** Answers where the data begins. */
function checkLocalHeader(bytes: Uint8Array, view: DataView, entry: Central, centralAt: number): number {
  const { offset: at, path } = entry;
  const dataAt = at + LOCAL.bytes + path.length;
  const descriptorAt = dataAt + entry.compressedBytes;
  if (descriptorAt + DESCRIPTOR.bytes > centralAt) throw new ArchiveFormatError(`"${path}" does not fit before the directory`);
  const isPlain =
    view.getUint32(at, true) === LOCAL.signature &&
    isCommon(view, at + 4, entry) &&
    [14, 18, 22].every((offset) => view.getUint32(at + offset, true) === 0) &&
    isName(bytes, at + LOCAL.bytes, view.getUint16(at + 26, true), path) &&
    view.getUint16(at + 28, true) === 0;
  if (!isPlain) throw new ArchiveFormatError(`the header before "${path}" contradicts the directory`);
  const stated = [DESCRIPTOR.signature, entry.crc, entry.compressedBytes, entry.bytes];
  if (!stated.every((value, i) => view.getUint32(descriptorAt + 4 * i, true) === value)) {
    throw new ArchiveFormatError(`the data descriptor after "${path}" contradicts the directory`);
  }
  return dataAt;
}

function isName(bytes: Uint8Array, at: number, length: number, path: string): boolean {
  if (length !== path.length) return false;
  try {
    return fromUtf8(bytes.subarray(at, at + length)) === path;
  } catch {
    return false;
  }
}

function readFile(entry: Central, compressed: Uint8Array): ArchiveFile {
  const content = entry.method === ZIP_FIELDS.methodStored ? compressed : inflate(entry, compressed);
  if (content.length !== entry.bytes) throw new ArchiveFormatError(`"${entry.path}" has ${content.length} bytes, not ${entry.bytes}`);
  return { path: entry.path, content, isCrcRight: crc32(content) === entry.crc, compressed };
}

/** What zlib answers when asked for `info`, which its type leaves out. */
interface InflateInfo {
  readonly buffer: Uint8Array;
  readonly engine: { readonly bytesWritten: number };
}

function isInflateInfo(value: unknown): value is InflateInfo {
  return typeof value === 'object' && value !== null && 'buffer' in value && 'engine' in value && value.buffer instanceof Uint8Array;
}

/** At most the stated size comes out, whatever goes in. */
function inflate(entry: Central, compressed: Uint8Array): Uint8Array {
  try {
    const result: unknown = inflateRawSync(compressed, { maxOutputLength: entry.bytes, info: true });
    if (!isInflateInfo(result)) throw new Error('zlib gave no information about what it read');
    const { buffer, engine } = result;
    if (engine.bytesWritten !== compressed.length)
      throw new ArchiveFormatError(`there are bytes after the compressed data of "${entry.path}"`);
    return buffer;
  } catch (cause) {
    if (cause instanceof ArchiveFormatError) throw cause;
    throw new ArchiveFormatError(`"${entry.path}" cannot be inflated: its compressed data is damaged`, { cause });
  }
}
