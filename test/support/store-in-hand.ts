import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { VersionPaths } from '../../src/versions/paths.ts';
import type { Changed, OpenedContent, PutRequest, RollbackRequest, StagedContent, VersionRecord } from '../../src/versions/ports.ts';
import { removeFile } from '../../src/versions/disk.ts';
import { stageContent } from '../../src/versions/stage-content.ts';
import { VersionStore, type VersionLimits } from '../../src/versions/store.ts';
import { VersionsError, type VersionsErrorCode } from '../../src/versions/versions-error.ts';

/** An entry of the ledger as its reader sees it. */
export type AuditEntry = Record<string, unknown> & { readonly action: string; readonly outcome: string };

const NO_LIMITS: VersionLimits = { artifactsMax: 1000, versionsMax: 100_000, keep: undefined };
const CONTENT_BYTES_MAX = 64 * 1024 * 1024;

/** The store itself on a folder of a test's own, with a clock that stands still and a ledger in memory. */
export class StoreInHand {
  readonly dataDir: string;
  readonly paths: VersionPaths;
  readonly entries: AuditEntry[] = [];
  readonly troubles: VersionsError[] = [];
  readonly changes: VersionRecord[] = [];
  nowMs = Date.UTC(2026, 0, 1);
  /** Called before each entry is taken. */
  recording: (entry: AuditEntry) => Promise<void> = () => Promise.resolve();
  limits: VersionLimits;
  #store: VersionStore | undefined;

  constructor(dataDir: string, limits: Partial<VersionLimits> = {}) {
    this.dataDir = dataDir;
    this.paths = new VersionPaths(dataDir);
    this.limits = { ...NO_LIMITS, ...limits };
  }

  get store(): VersionStore {
    if (this.#store === undefined) throw new Error('the store is not open');
    return this.#store;
  }

  /** A start, also of a store that was open: what it held in memory is forgotten. */
  async open(): Promise<this> {
    this.#store = await VersionStore.open({
      dataDir: this.dataDir,
      limits: this.limits,
      clock: () => BigInt(this.nowMs) * 1_000_000n,
      changed: (_, record) => this.changes.push(record),
      trouble: (error) => this.troubles.push(error),
      audit: {
        record: async (entry) => {
          const kept = JSON.parse(JSON.stringify(entry)) as AuditEntry;
          await this.recording(kept);
          this.entries.push(kept);
        },
      },
    });
    return this;
  }

  stage(content: string | Uint8Array): Promise<StagedContent> {
    return stageContent(this.paths, one(Buffer.from(content)), CONTENT_BYTES_MAX);
  }

  /** Based on the head, unless the request says otherwise. */
  async put(name: string, content: string | Uint8Array, request: Partial<PutRequest> = {}): Promise<Changed> {
    return this.store.put({ name, precondition: this.head(name), ...request }, await this.stage(content));
  }

  rollback(name: string, to: RollbackRequest['to'], request: Partial<RollbackRequest> = {}): ReturnType<VersionStore['rollback']> {
    const precondition = this.head(name);
    return this.store.rollback({
      name,
      to,
      reason: 'back',
      isDryRun: false,
      hold: false,
      ...request,
      precondition: 'precondition' in request ? request.precondition : precondition === 'none' ? undefined : precondition,
    });
  }

  head(name: string): 'none' | { version: number; sha256: string } {
    try {
      const { version, sha256 } = this.store.summary(name).head;
      return { version, sha256 };
    } catch {
      return 'none';
    }
  }

  async read(name: string, version: number): Promise<Buffer> {
    const opened = await this.store.open(name, version);
    return takeContent(opened);
  }

  /** Every file and folder below `versions/`, with what it holds. */
  listing(): Map<string, string> {
    const found = new Map<string, string>();
    if (!existsSync(this.paths.root)) return found;
    for (const entry of readdirSync(this.paths.root, { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name);
      found.set(relative(this.paths.root, path), entry.isDirectory() ? 'folder' : `${statSync(path).size} ${sha256(readFileSync(path))}`);
    }
    return found;
  }

  /** Hashes of the objects that are there. */
  objects(): string[] {
    return Array.from(this.listing())
      .filter(([path, what]) => path.startsWith('objects/') && what !== 'folder')
      .map(([path]) => path.slice('objects/ab/'.length))
      .toSorted();
  }

  incoming(): string[] {
    return existsSync(this.paths.incoming) ? readdirSync(this.paths.incoming) : [];
  }
}

/** What an opened version holds; its file goes. */
export async function takeContent({ path }: OpenedContent): Promise<Buffer> {
  try {
    return readFileSync(path);
  } finally {
    await removeFile(path);
  }
}

/** The error that it is refused with; anything else, and success, fails the test. */
export async function refusal(work: Promise<unknown>, code: VersionsErrorCode): Promise<VersionsError> {
  const error = await work.then(
    () => new Error(`it was not refused with "${code}"`),
    (cause: unknown) => cause,
  );
  if (error instanceof VersionsError && error.code === code) return error;
  throw error;
}

export function sha256(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}

/** No patch to or from it is smaller than itself. */
export function noise(bytes: number): Buffer {
  return randomBytes(bytes);
}

async function* one(chunk: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  if (chunk.length > 0) yield await Promise.resolve(chunk);
}
