import { dirname, join } from 'node:path';
import { addName, errorCode, FileSource, listFolder, makeFolder, publish, removeFile } from './disk.ts';
import type { VersionPaths } from './paths.ts';
import { VersionsError } from './versions-error.ts';

/** Files whose content was found to be what their name says; the oldest is forgotten. */
const TRUSTED_MAX = 10_000;
const OBJECT_FOLDER = /^[0-9a-f]{2}$/;
const OBJECT_NAME = /^[0-9a-f]{64}$/;

/** Contents and patches by their hash, each there once however many versions and artifacts share it. */
export class Objects {
  readonly #paths: VersionPaths;
  readonly #counts = new Map<string, number>();
  readonly #trusted = new Map<string, string>();
  readonly #made = new Set<string>();
  readonly #removals = new Map<string, Promise<void>>();
  #keepsAll = false;

  constructor(paths: VersionPaths) {
    this.#paths = paths;
  }

  path(sha256: string): string {
    return this.#paths.object(sha256);
  }

  place(sha256: string): string {
    return this.#paths.placeOf(this.path(sha256));
  }

  /** Gives a durable file its place. Replacing an object by one of the same hash changes nothing, or mends it. */
  async take(path: string, sha256: string): Promise<void> {
    // One that is on its way out must not take the new one along.
    await this.#removals.get(sha256);
    const target = this.path(sha256);
    const folder = dirname(target);
    if (!this.#made.has(folder)) {
      await makeFolder(folder);
      this.#made.add(folder);
    }
    await publish(path, target);
  }

  isHeld(sha256: string): boolean {
    return this.#counts.has(sha256);
  }

  hold(hashes: Iterable<string>): void {
    for (const hash of hashes) this.#counts.set(hash, (this.#counts.get(hash) ?? 0) + 1);
  }

  /** Answers those that nothing holds any more. */
  release(hashes: Iterable<string>): string[] {
    const free: string[] = [];
    for (const hash of hashes) {
      const count = (this.#counts.get(hash) ?? 0) - 1;
      if (count > 0) this.#counts.set(hash, count);
      else {
        this.#counts.delete(hash);
        free.push(hash);
      }
    }
    return free;
  }

  /** From now on nothing is removed: there is an artifact of which nobody knows what it needs. */
  keepAll(): void {
    this.#keepsAll = true;
  }

  /** Removes those of the objects that nothing holds. What a crash leaves of this the next start removes. */
  async sweep(hashes: Iterable<string>): Promise<void> {
    for (const hash of hashes) {
      if (this.#keepsAll || this.#counts.has(hash)) continue;
      const removal = removeFile(this.path(hash)).finally(() => {
        if (this.#removals.get(hash) === removal) this.#removals.delete(hash);
      });
      this.#removals.set(hash, removal);
      await removal;
    }
  }

  /** Every object that is there, for a start. What else lies there is not ours. */
  async *all(): AsyncGenerator<string, void, undefined> {
    for (const folder of await listFolder(this.#paths.objects)) {
      if (!OBJECT_FOLDER.test(folder)) continue;
      for (const name of await listFolder(join(this.#paths.objects, folder))) if (OBJECT_NAME.test(name)) yield name;
    }
  }

  /** As `open`, for a check: what was found to be right before is hashed again, since a disk may change without telling. */
  openAnew(sha256: string): Promise<FileSource> {
    this.#trusted.delete(sha256);
    return this.open(sha256);
  }

  /** Open, and found to be what it should be. Throws VersionsError `version-damaged`, which names it. */
  async open(sha256: string): Promise<FileSource> {
    let file: FileSource;
    try {
      file = await FileSource.open(this.path(sha256));
    } catch (cause) {
      if (errorCode(cause) !== 'ENOENT') throw cause;
      throw new VersionsError('version-damaged', `${this.place(sha256)}: it is missing`, { cause });
    }
    try {
      await this.#check(sha256, file);
      return file;
    } catch (error) {
      await file[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** A second name of an object, which was checked: for a reader of its own. The kernel takes a new name for a change: so it is checked again next time. */
  async lend(sha256: string): Promise<string> {
    await (await this.open(sha256))[Symbol.asyncDispose]();
    const path = this.#paths.fresh();
    await addName(this.path(sha256), path);
    return path;
  }

  async #check(sha256: string, file: FileSource): Promise<void> {
    const before = await file.identity();
    if (before !== undefined && this.#trusted.get(sha256) === before) return;
    const found = await file.sha256();
    if (found !== sha256) throw new VersionsError('version-damaged', `${this.place(sha256)}: its content has the hash ${found}`);
    if (before !== undefined) this.#trust(sha256, before);
  }

  #trust(sha256: string, identity: string): void {
    this.#trusted.delete(sha256);
    this.#trusted.set(sha256, identity);
    const [oldest] = this.#trusted.keys();
    if (this.#trusted.size > TRUSTED_MAX) this.#trusted.delete(oldest);
  }
}
