import { toEntry, type Asked, type VersionAudit } from './audit.ts';
import { HEAD_BYTES_MAX, type Artifact } from './artifact.ts';
import { cutFile, makeFolder, readIfPresent, removeFile, replaceFile, writeTail } from './disk.ts';
import { formatHead } from './head-file.ts';
import type { Objects } from './objects.ts';
import type { VersionPaths } from './paths.ts';
import { formatPending, parsePending } from './pending-file.ts';
import { toVersionsError } from './to-versions-error.ts';
import { VersionsError } from './versions-error.ts';

const PENDING_BYTES_MAX = 64 * 1024;

/** A change of an artifact that is ready to happen: everything in it is durable, and nothing of it has a name yet. */
export interface Commit {
  readonly before: Artifact | undefined;
  readonly after: Artifact;
  /** Line of the index, when there is a new version. */
  readonly line?: string | undefined;
  readonly objects: readonly { readonly path: string; readonly sha256: string }[];
  /** Objects that the artifact needs more than before, and less. */
  readonly holds: readonly string[];
  readonly releases: readonly string[];
  readonly asked: Asked;
}

/**
 * Makes changes happen, one artifact's at a time, in an order that a crash at any point leaves one of two heads:
 *
 * 1. `pending` says what is about to be done, and the ledger says that it is attempted;
 * 2. objects get their names; the index gets a line behind what its head counts;
 * 3. the head is replaced: this is the change;
 * 4. the ledger says that it is done, `pending` goes, and so do objects that nothing needs any more.
 *
 * A `pending` that a start finds is settled: the head tells whether 3 happened, and the ledger gets the entry that it lacks. The line of a
 * change that did not happen goes before its `pending` does: without one, the index ends where its head says.
 */
export class Committer {
  readonly #paths: VersionPaths;
  readonly #objects: Objects;
  readonly #audit: VersionAudit;
  /** Attempts whose end is in the ledger, and whose `pending` the disk did not let go: at most one for each artifact. */
  readonly #ended = new Set<string>();

  constructor(paths: VersionPaths, objects: Objects, audit: VersionAudit) {
    this.#paths = paths;
    this.#objects = objects;
    this.#audit = audit;
  }

  /** To be done before every change: nothing of the one before is open then. What fails here was not attempted. */
  async prepare(name: string, before: Artifact | undefined): Promise<void> {
    if (before === undefined) await makeFolder(this.#paths.folder(name));
    await this.settle(name, before);
  }

  /** Resolves when the change and its entry are durable. Rejects with VersionsError: nothing was changed, unless the message says otherwise. */
  async commit(commit: Commit, changed: (after: Artifact) => void): Promise<void> {
    const { before, after, asked, holds, releases } = commit;
    const { name } = after.head;
    const attempt = crypto.randomUUID();
    this.#objects.hold(holds);
    let isDurable: boolean;
    try {
      isDurable = await this.#attempt(commit, attempt);
    } catch (cause) {
      const error = toVersionsError(cause);
      await this.#objects.sweep(this.#objects.release(holds)).catch(() => undefined);
      await this.#fail(before, asked, attempt, error).catch(() => undefined);
      throw error;
    }
    changed(after);
    // Both heads may be what a crash leaves: nothing of either goes, and `pending` stays until it is known.
    if (!isDurable)
      throw new VersionsError('version-io', 'the head was changed, but the disk does not confirm it: a crash may bring the old one back');
    const free = this.#objects.release(releases);
    try {
      await this.#audit.record(toEntry(asked, { attempt, outcome: 'done' }));
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new VersionsError('version-io', `the change was made, but its entry in the ledger was not: ${why}; the next change adds it`, {
        cause,
      });
    }
    // What stays here the next change or the next start removes.
    await this.#close(name, attempt).catch(() => undefined);
    await this.#objects.sweep(free).catch(() => undefined);
  }

  /** Up to the new head. False when that is there and may not be durable. */
  async #attempt({ before, after, line, objects, asked }: Commit, attempt: string): Promise<boolean> {
    const { name } = after.head;
    const head = formatHead(after.head);
    await replaceFile(this.#paths.pending(name), formatPending({ attempt, head: checkOf(head) ?? '', asked }));
    await this.#audit.record(toEntry(asked, { attempt, outcome: 'attempted' }));
    for (const { path, sha256 } of objects) await this.#objects.take(path, sha256);
    if (line !== undefined) await writeTail(this.#paths.index(name), before?.head.indexBytes ?? 0, line);
    try {
      await replaceFile(this.#paths.head(name), head);
      return true;
    } catch (error) {
      // The rename may have happened although its folder could not be synced. Where nobody can say, nothing of either head may go.
      if ((await this.#readHead(name).catch(() => head)) !== head) throw error;
      return replaceFile(this.#paths.head(name), head).then(
        () => true,
        () => false,
      );
    }
  }

  /** Says in the ledger how a change ended that the process did not see the end of. Does nothing when there is none. */
  async settle(name: string, artifact: Artifact | undefined): Promise<void> {
    const text = await readIfPresent(this.#paths.pending(name), PENDING_BYTES_MAX);
    if (text === undefined) return;
    const pending = parsePending(text.toString(), name);
    const isDone = pending !== undefined && checkOf(await this.#readHead(name)) === pending.head;
    if (!isDone) await cutFile(this.#paths.index(name), artifact?.head.indexBytes ?? 0);
    if (pending !== undefined && !this.#ended.has(pending.attempt)) {
      const ended = isDone
        ? ({ outcome: 'done' } as const)
        : ({ outcome: 'failed', code: 'closed', detail: 'the process ended before the change' } as const);
      await this.#audit.record(toEntry(pending.asked, { attempt: pending.attempt, ...ended, recovered: true }));
    }
    await this.#close(name, pending?.attempt ?? '');
  }

  async #fail(before: Artifact | undefined, asked: Asked, attempt: string, { code, message }: VersionsError): Promise<void> {
    await this.#audit.record(toEntry(asked, { attempt, outcome: 'failed', code, detail: message }));
    this.#ended.add(attempt);
    await cutFile(this.#paths.index(asked.name), before?.head.indexBytes ?? 0);
    await this.#close(asked.name, attempt);
  }

  /** Once its end is in the ledger. */
  async #close(name: string, attempt: string): Promise<void> {
    this.#ended.add(attempt);
    await removeFile(this.#paths.pending(name));
    this.#ended.delete(attempt);
  }

  async #readHead(name: string): Promise<string | undefined> {
    return (await readIfPresent(this.#paths.head(name), HEAD_BYTES_MAX))?.toString();
  }
}

/** The second line of a head file. */
function checkOf(head: string | undefined): string | undefined {
  return head?.split('\n')[1];
}
