import {
  closeSync,
  cpSync,
  existsSync,
  ftruncateSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** The file operations of an intruder: no syncs, no temporary names that betray care, nothing undone on failure. */

export function isThere(path: string): boolean {
  return existsSync(path);
}

export function namesIn(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder).toSorted() : [];
}

export function bytesOf(path: string): number {
  return statSync(path).size;
}

export function readAll(path: string): Buffer {
  return readFileSync(path);
}

/** Fewer bytes when the file ends before. */
export function readAt(path: string, at: number, bytes: number): Buffer {
  const fd = openSync(path, 'r');
  try {
    const content = Buffer.alloc(bytes);
    return content.subarray(0, readSync(fd, content, 0, bytes, at));
  } finally {
    closeSync(fd);
  }
}

/** Stores into the file as it is: same inode, same length unless it grows. */
export function writeAt(path: string, at: number, content: Uint8Array): void {
  const fd = openSync(path, 'r+');
  try {
    writeSync(fd, content, 0, content.length, at);
  } finally {
    closeSync(fd);
  }
}

/** Same inode, new content and length. Bytes before `from` are left alone. */
export function rewrite(path: string, content: Uint8Array, from = 0): void {
  const fd = openSync(path, 'r+');
  try {
    for (let done = from; done < content.length;) done += writeSync(fd, content, done, content.length - done, done);
    ftruncateSync(fd, content.length);
  } finally {
    closeSync(fd);
  }
}

export function cutTo(path: string, bytes: number): void {
  const fd = openSync(path, 'r+');
  try {
    ftruncateSync(fd, bytes);
  } finally {
    closeSync(fd);
  }
}

/** Makes the file, and folders on the way, when they are not there. */
export function writeWhole(path: string, content: Uint8Array | string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content, { mode: 0o600 });
}

/** Another file takes the name: new inode. */
export function renameOver(path: string, content: Uint8Array): void {
  const prepared = `${path}.~`;
  writeFileSync(prepared, content, { mode: statSync(path).mode & 0o777 });
  renameSync(prepared, path);
}

export function rename(from: string, to: string): void {
  renameSync(from, to);
}

export function remove(path: string): void {
  unlinkSync(path);
}

/** Tries again when the victim makes a file in it meanwhile. */
export function removeTree(path: string): void {
  rmSync(path, { recursive: true, force: true, maxRetries: 5 });
}

/** Every file below one folder into another, with modes and times. */
export function copyOver(from: string, to: string): void {
  cpSync(from, to, { recursive: true, preserveTimestamps: true, verbatimSymlinks: true });
}

export function hardLink(existing: string, path: string): void {
  linkSync(existing, path);
}

export function symbolicLink(target: string, path: string): void {
  symlinkSync(target, path);
}

/** Access and modification time as before, so that `ls -l` shows nothing; the change time cannot be set back. */
export function keepTimes(path: string, change: () => void): void {
  const { atime, mtime } = statSync(path);
  change();
  utimesSync(path, atime, mtime);
}

export function makeTempFolder(parent = tmpdir()): string {
  mkdirSync(parent, { recursive: true });
  return mkdtempSync(join(parent, 'proofs-attack-'));
}
