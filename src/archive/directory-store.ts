import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { ObjectStore } from '../kernel/object-store.ts';
import { ArchiveError } from './archive-error.ts';
import { assertObjectKey } from './object-key.ts';

/** Where objects are written before they get their name; what a crash leaves here belongs to no key. */
const INCOMING = '.incoming';

/** Objects as files of a folder, which may be a mounted share. Trusted with nothing: whoever can write there can change everything in it. */
export class DirectoryStore implements ObjectStore {
  readonly location: string;
  readonly #root: string;
  /** Folders known to exist durably. Bounded by the archive: one entry for 256 or more objects. */
  readonly #made = new Set<string>();

  constructor(root: string) {
    this.#root = resolve(root);
    this.location = this.#root;
  }

  async put(key: string, content: Uint8Array): Promise<void> {
    assertObjectKey(key);
    const path = join(this.#root, key);
    const unfinished = join(this.#root, INCOMING, randomUUID());
    await this.#attempt(`write "${key}"`, async () => {
      await this.#makeDirectory(dirname(unfinished));
      await this.#makeDirectory(dirname(path));
      try {
        await using file = await open(unfinished, 'wx', 0o644);
        await file.writeFile(content);
        await file.datasync();
      } catch (error) {
        await rm(unfinished, { force: true });
        throw error;
      }
      // From here on the content is durable; dying before the folder is synced leaves the old object, or none.
      await rename(unfinished, path);
      await syncDirectory(dirname(path));
    });
  }

  async get(key: string, bytesMax: number): Promise<Uint8Array | undefined> {
    assertObjectKey(key);
    return this.#attempt(`read "${key}"`, async () => {
      try {
        await using file = await open(join(this.#root, key), 'r');
        const { size } = await file.stat();
        if (size > bytesMax) throw new ArchiveError('archive-unreachable', `"${key}" has ${size} bytes, at most ${bytesMax} were expected`);
        return new Uint8Array(await file.readFile());
      } catch (error) {
        if (isAbsent(error)) return undefined;
        throw error;
      }
    });
  }

  async list(prefix: string, keysMax: number): Promise<string[]> {
    const keys: string[] = [];
    // Only the folder that the prefix ends in, and those below it, can hold matching keys.
    const folder = prefix.slice(0, prefix.lastIndexOf('/') + 1);
    await this.#attempt(`list "${prefix}"`, () => this.#collect(folder, prefix, keysMax, keys));
    return keys.toSorted();
  }

  async remove(key: string): Promise<void> {
    assertObjectKey(key);
    const path = join(this.#root, key);
    await this.#attempt(`remove "${key}"`, async () => {
      await rm(path, { force: true });
      await syncDirectory(dirname(path)).catch((error: unknown) => {
        if (!isAbsent(error)) throw error;
      });
    });
  }

  async #collect(folder: string, prefix: string, keysMax: number, keys: string[]): Promise<void> {
    for (const entry of await listFolder(join(this.#root, folder))) {
      const key = `${folder}${entry.name}`;
      if (entry.name.startsWith('.')) continue;
      if (entry.isDirectory()) {
        if (`${key}/`.startsWith(prefix) || prefix.startsWith(`${key}/`)) await this.#collect(`${key}/`, prefix, keysMax, keys);
      } else if (key.startsWith(prefix)) {
        if (keys.length >= keysMax) throw new ArchiveError('archive-unreachable', `more than ${keysMax} keys begin with "${prefix}"`);
        keys.push(key);
      }
    }
  }

  async #makeDirectory(path: string): Promise<void> {
    if (this.#made.has(path)) return;
    const topmost = (await mkdir(path, { recursive: true, mode: 0o755 })) ?? `${path}/`;
    // Each name made on the way lives in the folder above it.
    for (let made = path; made.length >= topmost.length; made = dirname(made)) await syncDirectory(dirname(made));
    this.#made.add(path);
  }

  async #attempt<T>(what: string, action: () => Promise<T>): Promise<T> {
    try {
      return await action();
    } catch (cause) {
      // A folder that somebody removed meanwhile has to be made again.
      this.#made.clear();
      if (cause instanceof ArchiveError) throw cause;
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new ArchiveError('archive-unreachable', `could not ${what} in ${this.location}: ${reason}`, { cause });
    }
  }
}

async function syncDirectory(path: string): Promise<void> {
  await using folder = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);
  await folder.sync();
}

async function listFolder(path: string) {
  try {
    return await readdir(path, { withFileTypes: true });
  } catch (error) {
    if (isAbsent(error)) return [];
    throw error;
  }
}

function isAbsent(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
