import { closeSync, constants, fstatSync, lstatSync, openSync, opendirSync, readSync } from 'node:fs';
import { join } from 'node:path';
import type { Finding } from './finding.ts';
import { VerifyError } from './verify-error.ts';

/** What stands in segments/. */
export interface SegmentEntry {
  readonly name: string;
  /** False for links, folders, pipes, devices: never opened. */
  readonly isRegular: boolean;
}

export interface SegmentSource {
  /** Length when it was opened; a writer may append meanwhile. */
  readonly bytes: number;
  /** Fills `target` from `position` on; answers how many bytes there were. */
  read(target: Uint8Array, position: number): number;
  close(): void;
}

export type SmallFile = 'checkpoint' | 'watermark' | 'log.vkey';

/** Read-only view of DATA_DIR/ledger: the disk, or bytes in memory. Everything it gives is hostile until checked. */
export interface LedgerFiles {
  /** Sorted by name; undefined when there is no such folder. */
  listSegments(): readonly SegmentEntry[] | undefined;
  openSegment(name: string): SegmentSource;
  /** At most `bytesMax` bytes; undefined when missing. Throws VerifyError `not-a-file`. */
  readSmall(name: SmallFile, bytesMax: number): Uint8Array | undefined;
  /** Entry bundles of an archive in the place of segments; there is no watermark, and heads are signed by the log key alone. */
  readonly isArchive?: boolean;
  /** Path of a segment for reports; below ledger/segments unless given. */
  pathOf?(name: string): string;
  /** Has to be waited for before the segment is opened. */
  prepare?(name: string): Promise<void>;
  /** After a sound segment, and after the last of them: holds what is derived from the leaves to them. */
  compareTiles?(report: (finding: Finding) => void): Promise<void>;
  compareRest?(report: (finding: Finding) => void): Promise<void>;
  /** What retention left of a segment; like readSmall. */
  readPruned?(name: string, bytesMax: number): Uint8Array | undefined;
  /** Names in a folder of derived files; empty when there is none. */
  listDerived?(folder: 'index' | 'pruned'): readonly string[];
}

/** 65 thousand million leaves: no ledger of one machine gets there, a hostile folder might. */
const SEGMENT_ENTRIES_MAX = 1_000_000;

export function ledgerDirectory(dataDir: string): LedgerFiles {
  const ledger = join(dataDir, 'ledger');
  const segments = join(ledger, 'segments');
  return {
    listSegments: () => listRegular(segments),
    openSegment: (name) => openSource(join(segments, name)),
    readSmall: (name, bytesMax) => readBounded(join(ledger, name), bytesMax),
    readPruned: (name, bytesMax) => readBounded(join(ledger, 'pruned', name), bytesMax),
    listDerived: (folder) => (listRegular(join(ledger, folder)) ?? []).map(({ name }) => name),
  };
}

/** Permission bits of a file, or undefined when it is missing. */
export function fileMode(path: string): number | undefined {
  try {
    return lstatSync(path).mode & 0o777;
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw unreadable(path, error);
  }
}

/** First bytes of a file the caller named; links are followed, because the caller chose the path. */
export function readNamedFile(path: string, bytesMax: number): Uint8Array | undefined {
  return readOpened(path, constants.O_RDONLY, bytesMax);
}

function readBounded(path: string, bytesMax: number): Uint8Array | undefined {
  return readOpened(path, constants.O_RDONLY | constants.O_NOFOLLOW, bytesMax);
}

function readOpened(path: string, flags: number, bytesMax: number): Uint8Array | undefined {
  let source: SegmentSource;
  try {
    source = openSource(path, flags);
  } catch (error) {
    if (error instanceof VerifyError && errorCode(error.cause) === 'ENOENT') return undefined;
    throw error;
  }
  try {
    const content = Buffer.alloc(Math.min(source.bytes, bytesMax));
    return content.subarray(0, source.read(content, 0));
  } finally {
    source.close();
  }
}

function listRegular(path: string): SegmentEntry[] | undefined {
  try {
    if (!lstatSync(path).isDirectory()) throw new VerifyError('not-a-file', `"${path}" is not a folder`);
    const folder = opendirSync(path);
    const entries: SegmentEntry[] = [];
    try {
      for (let entry = folder.readSync(); entry !== null; entry = folder.readSync()) {
        if (entries.length >= SEGMENT_ENTRIES_MAX)
          throw new VerifyError('unreadable', `"${path}" holds more than ${SEGMENT_ENTRIES_MAX} names`);
        entries.push({ name: entry.name, isRegular: entry.isFile() });
      }
    } finally {
      folder.closeSync();
    }
    return entries.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error instanceof VerifyError ? error : unreadable(path, error);
  }
}

/** O_NONBLOCK: a pipe in the place of a file must not hang the verifier. */
function openSource(path: string, flags: number = constants.O_RDONLY | constants.O_NOFOLLOW): SegmentSource {
  let fd: number;
  try {
    fd = openSync(path, flags | constants.O_NONBLOCK);
  } catch (cause) {
    if (errorCode(cause) === 'ELOOP') throw new VerifyError('not-a-file', `"${path}" is a link`, { cause });
    throw unreadable(path, cause);
  }
  const stat = fstatSync(fd);
  if (!stat.isFile()) {
    closeSync(fd);
    throw new VerifyError('not-a-file', `"${path}" is not a regular file`);
  }
  return {
    bytes: stat.size,
    read: (target, position) => readFully(path, fd, target, position),
    close: () => closeSync(fd),
  };
}

function readFully(path: string, fd: number, target: Uint8Array, position: number): number {
  let done = 0;
  try {
    while (done < target.length) {
      const count = readSync(fd, target, done, target.length - done, position + done);
      if (count === 0) break;
      done += count;
    }
  } catch (cause) {
    throw unreadable(path, cause);
  }
  return done;
}

function unreadable(path: string, cause: unknown): VerifyError {
  return new VerifyError('unreadable', `"${path}" cannot be read (${errorCode(cause) ?? String(cause)})`, { cause });
}

function errorCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
