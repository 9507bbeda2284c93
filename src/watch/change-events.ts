import { closeSync, futimesSync, openSync, rmSync, watch, type FSWatcher } from 'node:fs';
import { join } from 'node:path';
import { lookAt } from './disk.ts';
import type { FileStat } from './file-stat.ts';
import { isSameInode } from './file-stat.ts';
import type { Finding } from './finding.ts';
import type { Folder } from './folder.ts';

/** Stands in the data folder; no part of the ledger. Its times are set at every tick: the event this causes shows that events arrive. */
export const CANARY_NAME = '.watch-canary';

/** Ticks without an event after which events are taken to be dead and not only lost in an overflowed queue. */
const MISSES_MAX = 5;

export interface BeatResult {
  /** Events may have been lost since the last beat: everything has to be looked at. */
  readonly mayHaveMissed: boolean;
  readonly finding: Finding | undefined;
}

/**
 * What the file system reports by itself (inotify): it makes findings quick, the polls make them certain. All folders share one queue,
 * so one canary speaks for all of them; that the folders are still the ones being watched is for `Folder` to check.
 */
export class ChangeEvents {
  readonly #folders: readonly Folder[];
  readonly #canaryPath: string;
  readonly #onChange: (folder: Folder, name: string) => void;
  #watchers: FSWatcher[] = [];
  #canaryFd: number | undefined;
  #canary: FileStat | undefined;
  #isAnswered = true;
  #misses = 0;
  /** Events have arrived at least once: not every file system has them. */
  #isProven = false;

  constructor(folders: readonly Folder[], dataDir: string, onChange: (folder: Folder, name: string) => void) {
    this.#folders = folders;
    this.#canaryPath = join(dataDir, CANARY_NAME);
    this.#onChange = onChange;
    this.#plant();
    this.rearm();
  }

  /** Whether findings come at once, or with the next poll. */
  get isAlive(): boolean {
    return this.#isProven && this.#misses < MISSES_MAX;
  }

  /** To be called after the event loop has polled since the last time, so that an event that is missing is lost. */
  beat(): BeatResult {
    const uprooted = this.#uprooted();
    if (uprooted !== undefined) {
      this.#plant();
      this.rearm();
      return { mayHaveMissed: true, finding: uprooted };
    }
    const isMissed = !this.#isAnswered;
    if (isMissed) {
      this.#misses++;
      this.rearm();
    } else this.#misses = 0;
    this.#sing();
    if (!this.#isProven || this.#misses !== MISSES_MAX) return { mayHaveMissed: isMissed, finding: undefined };
    const evidence = `the file system has stopped to report changes (${MISSES_MAX} times in a row); polling goes on`;
    return { mayHaveMissed: true, finding: { kind: 'watch-dead', bytes: null, seqs: null, evidence } };
  }

  /** Watches the folders that stand at the paths now. */
  rearm(): void {
    for (const watcher of this.#watchers.splice(0)) watcher.close();
    for (const folder of this.#folders) {
      try {
        const watcher = watch(folder.path, { persistent: false }, (_event, name) => this.#changed(folder, name ?? ''));
        // Its folder was removed or the watch was taken away: the canary's silence tells, if it is not only that.
        watcher.on('error', () => watcher.close());
        this.#watchers.push(watcher);
      } catch {
        // Not to be had: the limit of watches is reached, the folder is gone, or this file system has none. The canary stays silent.
      }
    }
  }

  close(): void {
    for (const watcher of this.#watchers.splice(0)) watcher.close();
    if (this.#canaryFd !== undefined) closeSync(this.#canaryFd);
    rmSync(this.#canaryPath, { force: true });
  }

  #changed(folder: Folder, name: string): void {
    if (name !== CANARY_NAME) {
      this.#onChange(folder, name);
      return;
    }
    this.#isAnswered = true;
    this.#isProven = true;
  }

  #plant(): void {
    if (this.#canaryFd !== undefined) closeSync(this.#canaryFd);
    this.#canaryFd = undefined;
    this.#canary = undefined;
    try {
      rmSync(this.#canaryPath, { force: true });
      this.#canaryFd = openSync(this.#canaryPath, 'wx', 0o600);
      this.#canary = lookAt(this.#canaryPath);
    } catch {
      // No space or no folder: the polls go on without events, and say so in their beat.
    }
    this.#isAnswered = true;
  }

  #sing(): void {
    if (this.#canaryFd === undefined) {
      this.#plant();
      return;
    }
    const now = new Date();
    this.#isAnswered = false;
    futimesSync(this.#canaryFd, now, now);
  }

  /** Whoever removes or replaces the canary wants the watch to look elsewhere. */
  #uprooted(): Finding | undefined {
    if (this.#canary === undefined) return undefined;
    const now = lookAt(this.#canaryPath);
    if (now !== undefined && isSameInode(this.#canary, now)) return undefined;
    const evidence = `the canary file was ${now === undefined ? 'removed' : 'replaced'}`;
    return { kind: 'watch-dead', bytes: null, seqs: null, evidence };
  }
}
