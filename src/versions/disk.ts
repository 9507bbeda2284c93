import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { link, mkdir, open, readdir, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { MemorySource, type ByteSource } from './byte-source.ts';
import type { ContentId } from './patch.ts';
import type { PatchDraft } from './patch-draft.ts';

/** The one file of this room that touches the disk: what survives a crash, survives it because of the order of the calls here. */

/** Contents are private until they are handed out. */
const FILE_MODE = 0o600;
const FOLDER_MODE = 0o700;
/** What is read, hashed and written at a time. */
export const WINDOW_BYTES = 1024 * 1024;
/** File systems count the times of changes in steps: ext4 of older kernels in 10 ms, others in up to 2 s. */
const SETTLED_MS = 2000;
/** Contents up to this size are held in memory while they are compared: two of them at a time. */
const READ_ONCE_BYTES_MAX = 12 * 1024 * 1024;

/** Makes a folder, its parents and their names durable. */
export async function makeFolder(path: string): Promise<void> {
  const topmost = await mkdir(path, { recursive: true, mode: FOLDER_MODE });
  // Whoever made it may have ended before its name was durable.
  if (topmost === undefined) return syncFolder(dirname(path));
  for (let made = path; made.length >= topmost.length; made = dirname(made)) await syncFolder(dirname(made));
}

/** Makes the names in a folder durable: new, changed and removed ones. */
async function syncFolder(path: string): Promise<void> {
  await using folder = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);
  await folder.sync();
}

/** Replaces a file in one step. Before the rename a crash leaves the old one; after it the new one, as soon as the folder is synced. */
export async function replaceFile(path: string, content: string): Promise<void> {
  const unfinished = `${path}.tmp`;
  {
    await using file = await open(unfinished, 'w', FILE_MODE);
    await file.writeFile(content);
    await file.datasync();
  }
  await rename(unfinished, path);
  await syncFolder(dirname(path));
}

/** Writes at `position` of a file that may not be there yet, ends it behind that, and makes both durable. What stood there is overwritten. */
export async function writeTail(path: string, position: number, content: string): Promise<void> {
  await using file = await open(path, constants.O_RDWR | constants.O_CREAT, FILE_MODE);
  const bytes = Buffer.from(content);
  await writeAt(file, bytes, position);
  await file.truncate(position + bytes.length);
  await file.datasync();
  if (position === 0) await syncFolder(dirname(path));
}

/** Takes away what stands behind the first `bytes` of a file; a file of which nothing is left goes. Durable when it resolves. */
export async function cutFile(path: string, bytes: number): Promise<void> {
  if ((await sizeOf(path)) <= bytes) return;
  if (bytes === 0) {
    await removeFile(path);
    return syncFolder(dirname(path));
  }
  await using file = await open(path, constants.O_RDWR);
  await file.truncate(bytes);
  await file.datasync();
}

/** 0 when there is none. */
async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return 0;
    throw error;
  }
}

/** A file's beginning, at most `bytesMax` of it; undefined when there is none. */
export async function readIfPresent(path: string, bytesMax: number): Promise<Buffer | undefined> {
  try {
    await using file = await open(path, 'r');
    return await readAt(file, 0, Math.min(bytesMax, (await file.stat()).size));
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** Gives a durable file its name, in place of whatever has it; durable when it resolves. */
export async function publish(from: string, to: string): Promise<void> {
  await rename(from, to);
  await syncFolder(dirname(to));
}

export async function isPresent(path: string): Promise<boolean> {
  return (await readIfPresent(path, 0)) !== undefined;
}

/** A second name for a file, so that it stays when the first one goes. */
export async function addName(path: string, other: string): Promise<void> {
  await link(path, other);
}

export async function removeFile(path: string): Promise<void> {
  await rm(path, { force: true });
}

/** Names in a folder, none when it is not there. */
export async function listFolder(path: string): Promise<string[]> {
  try {
    return (await readdir(path)).toSorted();
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return [];
    throw error;
  }
}

/** An open file: it stays readable when its name is gone. */
export class FileSource implements ByteSource, AsyncDisposable {
  readonly bytes: number;
  readonly #file: FileHandle;

  private constructor(file: FileHandle, bytes: number) {
    this.#file = file;
    this.bytes = bytes;
  }

  static async open(path: string): Promise<FileSource> {
    const file = await open(path, 'r');
    try {
      return new FileSource(file, (await file.stat()).size);
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  read(position: number, length: number): Promise<Uint8Array> {
    return readAt(this.#file, position, Math.max(0, Math.min(length, this.bytes - position)));
  }

  readInto(buffer: Uint8Array, position: number): Promise<Uint8Array> {
    return readInto(this.#file, buffer.subarray(0, Math.max(0, this.bytes - position)), position);
  }

  /** For whoever goes through it several times: read once when it is small. */
  async forManyPasses(): Promise<ByteSource> {
    return this.bytes <= READ_ONCE_BYTES_MAX ? new MemorySource(await this.read(0, this.bytes)) : this;
  }

  /**
   * Changes whenever somebody writes to the file, and is another one for another file: nobody but the kernel sets the time of a change.
   * Undefined where the next change could still get the same time.
   */
  async identity(): Promise<string | undefined> {
    const { dev, ino, size, ctimeNs, ctimeMs } = await this.#file.stat({ bigint: true });
    if (Number(ctimeMs) > Date.now() - SETTLED_MS) return undefined;
    return `${dev}:${ino}:${size}:${ctimeNs}`;
  }

  async sha256(): Promise<string> {
    const hash = createHash('sha256');
    const window = Buffer.allocUnsafe(Math.min(WINDOW_BYTES, this.bytes));
    for (let at = 0; at < this.bytes; at += WINDOW_BYTES) hash.update(await this.readInto(window, at));
    return hash.digest('hex');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file.close();
  }
}

/** A content on its way in: hashed as it comes. Stretches of zeros become holes, so that a sparse file stays one. */
export class Draft implements PatchDraft {
  readonly path: string;
  readonly #file: FileHandle;
  readonly #hash = createHash('sha256');
  #bytes = 0;
  #isOpen = true;

  private constructor(path: string, file: FileHandle) {
    this.path = path;
    this.#file = file;
  }

  static async open(path: string): Promise<Draft> {
    return new Draft(path, await open(path, 'wx', FILE_MODE));
  }

  get bytes(): number {
    return this.#bytes;
  }

  async append(chunk: Uint8Array): Promise<void> {
    this.#hash.update(chunk);
    if (chunk.length < HOLE_BYTES_MIN || !isZero(chunk)) await writeAt(this.#file, chunk, this.#bytes);
    this.#bytes += chunk.length;
  }

  /** Ends the content, and makes it durable unless it is only looked at; its name is not durable yet. */
  async finish(durability: 'durable' | 'passing' = 'durable'): Promise<ContentId> {
    // Also the end of a file that ends in a hole.
    await this.#file.truncate(this.#bytes);
    if (durability === 'durable') await this.#file.datasync();
    await this.#close();
    return { sha256: this.#hash.digest('hex'), bytes: this.#bytes };
  }

  async drop(): Promise<void> {
    await this.#close();
    await removeFile(this.path);
  }

  async #close(): Promise<void> {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    await this.#file.close();
  }
}

/** A block of the usual file systems: less makes no hole. */
const HOLE_BYTES_MIN = 4096;

function isZero(bytes: Uint8Array): boolean {
  for (let i = 0; i < bytes.length; i++) if (bytes[i] !== 0) return false;
  return true;
}

async function writeAt(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length;) done += (await file.write(bytes, done, bytes.length - done, position + done)).bytesWritten;
}

async function readAt(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(length);
  return buffer.subarray(0, (await readInto(file, buffer, position)).length);
}

async function readInto(file: FileHandle, buffer: Uint8Array, position: number): Promise<Uint8Array> {
  let done = 0;
  while (done < buffer.length) {
    const { bytesRead } = await file.read(buffer, done, buffer.length - done, position + done);
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return buffer.subarray(0, done);
}

export function errorCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
