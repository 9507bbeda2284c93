import { createRequire } from 'node:module';
import { link, mkdir, open, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CheckpointStore, Swap } from './checkpoint-store.ts';

/** A note with all the signatures it may carry stays below this. */
const NOTE_BYTES_MAX = 16_384;
/** A commit does not wait for a second disk flush; a power cut takes the lock back by this much at most. */
const SYNC_EVERY_MS = 1000;
/** Another process holds the OS lock for one small write only. */
const OS_LOCK_TRIES_MAX = 60;
const OS_LOCK_WAIT_MS = 5;

/** fs-native-extensions ships no types. */
interface FileLocks {
  tryLock(fd: number): boolean;
  unlock(fd: number): void;
}

/**
 * One file `dir`/<ledger id>.checkpoint, a plain note that can be given to `log verify --anchor`. Each swap writes a temporary file and
 * renames it under an OS lock on a sibling file, so of two processes only one finds what it expects, and one that is killed leaves the
 * old or the new note.
 *
 * After a power cut some file systems keep the new name without its content. The note that was last made durable therefore has a second
 * name, <ledger id>.checkpoint.durable, and counts when the first is empty: then the lock is a second older, and states as much less.
 */
export class FileCheckpointStore implements CheckpointStore {
  readonly location: string;
  readonly #dir: string;
  readonly #durable: string;
  readonly #locks = createRequire(import.meta.url)('fs-native-extensions') as FileLocks;
  /** Held open for as long as the store is used, with the identity that the file then had. */
  #osLock: { readonly file: FileHandle; readonly ino: number; readonly dev: number } | undefined;
  #syncTimer: NodeJS.Timeout | undefined;
  #syncing: Promise<void> = Promise.resolve();

  constructor(dir: string, ledgerIdHex: string) {
    this.#dir = dir;
    this.location = join(dir, `${ledgerIdHex}.checkpoint`);
    this.#durable = `${this.location}.durable`;
  }

  async read(): Promise<string | undefined> {
    const note = await readNote(this.location);
    return note === '' ? readNote(this.#durable) : note;
  }

  async swap(previous: string | undefined, next: string): Promise<Swap> {
    const fd = await this.#openOsLock();
    await this.#takeOsLock(fd);
    try {
      const found = await this.read();
      if (found !== previous) return { isSwapped: false, found };
      const temporary = `${this.location}.tmp`;
      const file = await open(temporary, 'w', 0o644);
      try {
        await file.writeFile(next);
      } finally {
        await file.close();
      }
      await rename(temporary, this.location);
    } finally {
      this.#locks.unlock(fd);
    }
    this.#syncSoon();
    return { isSwapped: true };
  }

  async close(): Promise<void> {
    const isPending = this.#syncTimer !== undefined;
    clearTimeout(this.#syncTimer);
    this.#syncTimer = undefined;
    await this.#syncing;
    try {
      if (isPending) await this.#sync();
    } finally {
      await this.#osLock?.file.close();
      this.#osLock = undefined;
    }
  }

  /** Only the first use makes the folder: when it is gone later, something was unmounted, and an empty folder is not the lock. */
  async #openOsLock(): Promise<number> {
    const path = `${this.location}.lock`;
    if (this.#osLock === undefined) {
      const topmost = await mkdir(this.#dir, { recursive: true, mode: 0o700 });
      // A folder that a power cut takes away takes the whole lock with it; each new name lives in the folder above.
      if (topmost !== undefined)
        for (let made = resolve(this.#dir); made.length >= resolve(topmost).length; made = dirname(made)) await flush(dirname(made));
      const file = await open(path, 'a', 0o600);
      const { ino, dev } = await file.stat();
      this.#osLock = { file, ino, dev };
    }
    const there = await stat(path);
    if (this.#osLock.ino !== there.ino || this.#osLock.dev !== there.dev) throw new Error(`${path} was replaced`);
    return this.#osLock.file.fd;
  }

  async #takeOsLock(fd: number): Promise<void> {
    for (let tries = 0; !this.#locks.tryLock(fd); tries++) {
      if (tries >= OS_LOCK_TRIES_MAX) throw new Error(`another process holds ${this.location}.lock`);
      await sleep(OS_LOCK_WAIT_MS);
    }
  }

  #syncSoon(): void {
    this.#syncTimer ??= setTimeout(() => {
      this.#syncTimer = undefined;
      // A failed flush leaves the lock as good as it was: it is written again a second after the next commit.
      this.#syncing = this.#sync().catch(() => undefined);
    }, SYNC_EVERY_MS).unref();
  }

  /** Linked first and flushed under that name: what `durable` then names is what was flushed, whatever is renamed into place meanwhile. */
  async #sync(): Promise<void> {
    const linked = `${this.#durable}.tmp`;
    await rm(linked, { force: true });
    await link(this.location, linked);
    await flush(linked);
    await rename(linked, this.#durable);
    await flush(this.#dir);
  }
}

/** A file's text, at most one byte more than a note may have; undefined when there is none. */
async function readNote(path: string): Promise<string | undefined> {
  let file: FileHandle;
  try {
    file = await open(path, 'r');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(NOTE_BYTES_MAX + 1), 0, NOTE_BYTES_MAX + 1, 0);
    return buffer.toString('utf8', 0, bytesRead);
  } finally {
    await file.close();
  }
}

async function flush(path: string): Promise<void> {
  const file = await open(path, 'r');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}
