import {
  closeSync,
  constants,
  fdatasyncSync,
  fstatSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { dirname, resolve } from 'node:path';

/** The few durable file operations the ledger is built from. Synchronous: they run in the writer thread, or once at start. */

/** Creates a directory (and its parents) owned by us alone, durably. */
export function makeDirectory(path: string): void {
  const topmost = mkdirSync(path, { recursive: true, mode: 0o700 });
  if (topmost === undefined) return;
  // Each name made on the way lives in the directory above it.
  for (let made = resolve(path); made.length >= resolve(topmost).length; made = dirname(made)) syncDirectory(dirname(made));
}

/** Makes created, renamed and removed names in `path` survive a power cut. */
export function syncDirectory(path: string): void {
  const fd = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** Writes a new file and its name durably; fails when it exists. A crash leaves the whole file, a part of it, or none. */
export function writeNewFile(path: string, content: Uint8Array | string, mode = 0o600): void {
  const fd = openSync(path, 'wx', mode);
  try {
    writeAll(fd, typeof content === 'string' ? Buffer.from(content) : content, 0);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  syncDirectory(dirname(path));
}

/** Makes a file that is there whole or not at all, durably; fails when it exists. A crash may leave `path`.new, which the next call replaces. */
export function publishNewFile(path: string, content: Uint8Array | string, mode: number): void {
  const unfinished = `${path}.new`;
  rmSync(unfinished, { force: true });
  writeNewFile(unfinished, content, mode);
  // Unlike a rename, a link never takes the place of a file that came to be there meanwhile.
  linkSync(unfinished, path);
  unlinkSync(unfinished);
  syncDirectory(dirname(path));
}

/** Replaces a file in one step: readers, and a process killed here, see the old or the new content. */
export function replaceFile(path: string, content: Uint8Array | string, durability: 'now' | 'later', mode = 0o644): void {
  const temporary = `${path}.tmp`;
  const fd = openSync(temporary, 'w', mode);
  try {
    writeAll(fd, typeof content === 'string' ? Buffer.from(content) : content, 0);
    if (durability === 'now') fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(temporary, path);
  if (durability === 'now') syncDirectory(dirname(path));
}

/** pwrite until everything is written; a short write (signal, quota) is continued, an error is thrown. */
export function writeAll(fd: number, bytes: Uint8Array, position: number): void {
  let done = 0;
  while (done < bytes.length) done += writeSync(fd, bytes, done, bytes.length - done, position + done);
}

/** Read size of a rewrite: keeps memory flat. */
const REWRITE_CHUNK_BYTES = 4 * 1024 * 1024;

/**
 * Makes the bytes from `from` on durable although an earlier sync may have failed: after that the kernel can hold pages as clean that
 * the disk never took, so they are written again before they are synced.
 */
export function rewriteDurably(path: string, from: number): void {
  const fd = openSync(path, 'r+');
  try {
    const end = fstatSync(fd).size;
    for (let at = from; at < end; at += REWRITE_CHUNK_BYTES) writeAll(fd, readAt(fd, at, Math.min(REWRITE_CHUNK_BYTES, end - at)), at);
    fdatasyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** Up to `length` bytes at `position`; fewer only at the end of the file. */
export function readAt(fd: number, position: number, length: number): Buffer {
  const buffer = Buffer.allocUnsafe(length);
  let done = 0;
  while (done < length) {
    const count = readSync(fd, buffer, done, length - done, position + done);
    if (count === 0) break;
    done += count;
  }
  return buffer.subarray(0, done);
}

/** A file's content, or undefined when there is no such file. Reads at most `bytesMax` bytes. */
export function readIfPresent(path: string, bytesMax: number): Buffer | undefined {
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
  try {
    return readAt(fd, 0, Math.min(fstatSync(fd).size, bytesMax));
  } finally {
    closeSync(fd);
  }
}

export function isPresent(path: string): boolean {
  try {
    closeSync(openSync(path, 'r'));
    return true;
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return false;
    throw error;
  }
}

/** Tells boots of this machine apart; `unknown` where the kernel does not say. */
export function readBootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
  } catch {
    return 'unknown';
  }
}

export function listDirectory(path: string): string[] {
  return readdirSync(path).toSorted();
}

export function removeFile(path: string): void {
  unlinkSync(path);
}

export function errorCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** No space or quota left: the one disk fault that passes by itself. */
export function isDiskFull(error: unknown): boolean {
  const code = errorCode(error);
  return code === 'ENOSPC' || code === 'EDQUOT';
}
