import { closeSync, constants, fstatSync, lstatSync, openSync, readdirSync, readSync, type Stats } from 'node:fs';
import { errorCode } from '../ledger/files.ts';
import type { FileStat } from './file-stat.ts';
import type { ReadRange } from './spans.ts';

/** Everything the watch reads from the disk. It never follows a link in the last component: a link is a replacement. */

/** What stands at the path; undefined when nothing does. */
export function lookAt(path: string): FileStat | undefined {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  return stats === undefined ? undefined : toFileStat(stats);
}

function toFileStat(stats: Stats): FileStat {
  const { dev, ino, size, mtimeMs, ctimeMs, birthtimeMs, nlink, mode, uid, gid } = stats;
  const type = stats.isFile() ? 'file' : stats.isDirectory() ? 'directory' : 'other';
  return { dev, ino, size, mtimeMs, ctimeMs, birthtimeMs, nlink, mode, uid, gid, type };
}

/** Sorted names; undefined when the folder is not there (its identity is checked elsewhere). */
export function listNames(path: string): string[] | undefined {
  try {
    return readdirSync(path).toSorted();
  } catch (error) {
    if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ENOTDIR') return undefined;
    throw error;
  }
}

/** Refused by the file itself, not by a shortage of ours: that it cannot be read is then a finding. */
export function isUnreadable(error: unknown): boolean {
  return ['EACCES', 'EPERM', 'EIO', 'ELOOP', 'EISDIR', 'ENXIO'].includes(errorCode(error) ?? '');
}

export function isGone(error: unknown): boolean {
  return errorCode(error) === 'ENOENT';
}

/** One file held open for reading. O_NONBLOCK: a pipe put in its place must not hold up the thread. */
export class OpenFile implements Disposable {
  readonly fd: number;

  constructor(path: string) {
    this.fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  }

  stat(): FileStat {
    return toFileStat(fstatSync(this.fd));
  }

  [Symbol.dispose](): void {
    closeSync(this.fd);
  }
}

/** Reads into `target` and says how much there was: less than asked for only at the end of the file. */
export function readFully(file: OpenFile, target: Uint8Array, offset: number, length: number, position: number): number {
  let done = 0;
  while (done < length) {
    const count = readSync(file.fd, target, offset + done, length - done, position + done);
    if (count === 0) break;
    done += count;
  }
  return done;
}

/** Read size: fits the second-level cache, so that comparing costs one pass over memory and not two. */
export const READ_BYTES = 256 * 1024;
const scratch = Buffer.allocUnsafeSlow(READ_BYTES);

/** Parts are views of one buffer: each is overwritten by the next read of this thread. */
export function rangeReader(file: OpenFile): ReadRange {
  return function* read(from, to) {
    for (let at = from; at < to;) {
      const count = readFully(file, scratch, 0, Math.min(READ_BYTES, to - at), at);
      if (count === 0) return;
      yield scratch.subarray(0, count);
      at += count;
    }
  };
}

/** Random access for walking frames: one read for many frames. */
export function bytesAt(file: OpenFile): (offset: number, length: number) => Uint8Array {
  const buffer = Buffer.allocUnsafe(READ_BYTES);
  let from = 0;
  let count = 0;
  return (offset, length) => {
    if (offset < from || offset + length > from + count) {
      from = offset;
      count = readFully(file, buffer, 0, READ_BYTES, offset);
    }
    return buffer.subarray(offset - from, Math.min(count, offset - from + length));
  };
}
