import type { Clock } from '../kernel/clock.ts';
import { toSummary, recordOf, type Artifact } from './artifact.ts';
import { Artifacts } from './artifacts.ts';
import { toEntry, type Asked, type VersionAudit } from './audit.ts';
import { buildPatch } from './build-patch.ts';
import { Committer, type Commit } from './commit.ts';
import { diffContents } from './diff-contents.ts';
import { FileSource, removeFile } from './disk.ts';
import { sha256 } from './head-file.ts';
import { toRecord, type IndexedRecord } from './index-file.ts';
import { findRoute, OpenRoute } from './make-content.ts';
import { NameLocks } from './name-locks.ts';
import { nextVersion, type NewVersion } from './next-version.ts';
import { Objects } from './objects.ts';
import { VersionPaths } from './paths.ts';
import type {
  ArtifactSummary,
  Changed,
  Damage,
  OpenedContent,
  PutRequest,
  RollbackPlan,
  RollbackRequest,
  StagedContent,
  VersionDiff,
  VersionRecord,
  VerifyReport,
} from './ports.ts';
import { assertPrecondition } from './preconditions.ts';
import { toVersionsError } from './to-versions-error.ts';
import { checkFiles, toDamage, verifyArtifact } from './verify-artifact.ts';
import { VersionsError } from './versions-error.ts';

export interface VersionLimits {
  readonly artifactsMax: number;
  /** Of all artifacts together; each takes half a kilobyte of memory. */
  readonly versionsMax: number;
  /** Versions of an artifact whose contents retention leaves; undefined: all. At least 2. */
  readonly keep: number | undefined;
}

export interface StoreOptions {
  readonly dataDir: string;
  readonly limits: VersionLimits;
  readonly audit: VersionAudit;
  readonly clock: Clock;
  /** A new head. */
  readonly changed: (name: string, record: VersionRecord) => void;
  /** What a start, or a change of our own, met and went on from. */
  readonly trouble: (error: VersionsError) => void;
}

/** A change of the head without a new version. `to`: the version that it is about, where that is not the head. */
export type Alteration = Omit<Commit, 'before' | 'asked'> & Pick<Asked, 'to'>;

/** What a change needs to know and to do, once it has its turn. */
export interface Turn {
  readonly before: Artifact | undefined;
  /** From here on the ledger says what becomes of it. */
  readonly commit: (commit: Commit) => Promise<void>;
}

/** The versions of all artifacts, in one folder. One process at a time; the lock of the ledger beside it sees to that. */
export class VersionStore {
  readonly #options: StoreOptions;
  readonly #paths: VersionPaths;
  readonly #objects: Objects;
  readonly #artifacts = new Artifacts();
  readonly #committer: Committer;
  readonly #locks = new NameLocks();
  #isClosing = false;

  private constructor(options: StoreOptions) {
    this.#options = options;
    this.#paths = new VersionPaths(options.dataDir);
    this.#objects = new Objects(this.#paths);
    this.#committer = new Committer(this.#paths, this.#objects, options.audit);
  }

  static async open(options: StoreOptions): Promise<VersionStore> {
    const store = new VersionStore(options);
    await store.#artifacts.load(store.#paths, store.#objects, store.#committer, options.trouble);
    return store;
  }

  async put(request: PutRequest, staged: StagedContent): Promise<Changed> {
    const { name, actor, reason, precondition, confirmWithinS } = request;
    const asked = { action: 'put', name, actor, reason, to: { sha256: staged.sha256, bytes: staged.bytes } } as const;
    const known = toRequest(request, staged);
    try {
      return await this.turn(asked, async ({ before, commit }) => {
        const replayed = before === undefined ? undefined : findReplay(before, known);
        if (replayed !== undefined) return { record: toRecord(replayed), isReplay: true };
        assertPrecondition(name, before, precondition);
        if (before?.head.hold !== undefined)
          throw new VersionsError('version-held', `"${name}" is held since ${before.head.hold.since}: ${before.head.hold.reason}`);
        this.#assertRoom(before);
        const made = { name, cause: 'put', actor, reason, request: known, confirmWithinS } as const;
        return { record: await this.#advance(asked, before, staged, made, commit), isReplay: false };
      });
    } finally {
      await removeFile(staged.path);
    }
  }

  async rollback(request: RollbackRequest): Promise<RollbackPlan> {
    const { name, actor, reason, isDryRun } = request;
    const restores = typeof request.to === 'number' ? request.to : undefined;
    const asked = { action: 'rollback', name, actor, reason, restores } as const;
    const task = async ({ before, commit }: Turn): Promise<RollbackPlan> => {
      if (before === undefined) throw new VersionsError('not-found', `there is no artifact "${name}"`);
      if (!isDryRun || request.precondition !== undefined) assertPrecondition(name, before, request.precondition);
      const target = typeof request.to === 'number' ? recordOf(before, request.to) : recordAt(before, request.to.timeNs);
      const { version, sha256: content } = before.head;
      const plan = {
        from: { version, sha256: content },
        to: { version: target.version, sha256: target.sha256, bytes: target.bytes },
        steps: version - target.version,
      };
      if (!isDryRun) this.#assertRoom(before);
      const staged = await this.#make(before, target, isDryRun ? 'passing' : 'durable');
      try {
        if (isDryRun) return plan;
        const { hold, confirmWithinS } = request;
        const made = { name, cause: 'rollback', actor, reason, restores: target.version, confirmWithinS, hold } as const;
        return { ...plan, record: await this.#advance({ ...asked, restores: target.version }, before, staged, made, commit) };
      } finally {
        await removeFile(staged.path);
      }
    };
    return isDryRun
      ? this.#locks.hold(name, () => task({ before: this.#artifacts.find(name), commit: neverCommitted }))
      : this.turn(asked, task);
  }

  /** Puts back what was head before the one that nobody confirmed. Answers false when there is nothing to put back (any more). */
  async revert(name: string): Promise<boolean> {
    const waits = this.#artifacts.find(name)?.head.confirm;
    if (waits === undefined || !this.#isDue(waits.before)) return false;
    const reason = `not confirmed before ${waits.before}`;
    const asked = { action: 'revert', name, reason, restores: waits.revertsTo } as const;
    return this.turn(asked, async ({ before, commit }) => {
      // It may have been confirmed while this waited for its turn.
      if (before?.head.confirm?.before !== waits.before) return false;
      const staged = await this.#make(before, recordOf(before, waits.revertsTo), 'durable');
      try {
        await this.#advance(asked, before, staged, { name, cause: 'revert', reason, restores: waits.revertsTo }, commit);
        return true;
      } finally {
        await removeFile(staged.path);
      }
    });
  }

  /** Heads that wait to be confirmed. */
  unconfirmed(): { readonly name: string; readonly before: string }[] {
    return this.#artifacts
      .all()
      .flatMap(({ head }) => (head.confirm === undefined ? [] : [{ name: head.name, before: head.confirm.before }]));
  }

  /** Changes what a head says beside its version. `next` answers the change, or undefined when the head says that already. */
  async alter(asked: Asked, next: (artifact: Artifact) => Promise<Alteration | undefined>): Promise<ArtifactSummary> {
    return this.turn(asked, async ({ before, commit }) => {
      if (before === undefined) throw new VersionsError('not-found', `there is no artifact "${asked.name}"`);
      const { version, sha256: content } = before.head;
      const change = await next(before);
      if (change === undefined) return toSummary(before);
      const { to, ...rest } = change;
      try {
        await commit({ ...rest, before, asked: { ...asked, from: { version, sha256: content }, to } });
      } finally {
        for (const { path } of change.objects) await removeFile(path);
      }
      return toSummary(change.after);
    });
  }

  list(after: string, limit: number): ArtifactSummary[] {
    return this.#artifacts
      .all()
      .filter(({ head }) => head.name > after)
      .slice(0, limit)
      .map(toSummary);
  }

  summary(name: string): ArtifactSummary {
    return toSummary(this.#artifacts.get(name));
  }

  records(name: string, before: number, limit: number): VersionRecord[] {
    const { records } = this.#artifacts.get(name);
    const end = Math.min(records.length, Math.max(0, before - 1));
    return records
      .slice(Math.max(0, end - limit), end)
      .toReversed()
      .map(toRecord);
  }

  at(name: string, timeNs: bigint): VersionRecord {
    return toRecord(recordAt(this.#artifacts.get(name), timeNs));
  }

  async open(name: string, version: number): Promise<OpenedContent> {
    const { artifact, route } = await this.#locks.hold(name, async () => {
      const found = this.#artifacts.get(name);
      const way = findRoute(found, version);
      return {
        artifact: found,
        route: way.steps.length === 0 ? await this.#objects.lend(way.sha256) : await OpenRoute.open(this.#paths, this.#objects, way),
      };
    });
    const record = toRecord(recordOf(artifact, version));
    if (typeof route === 'string') return { sha256: record.sha256, bytes: record.bytes, record, path: route };
    await using opened = route;
    return { ...(await this.#checked(artifact, record, await opened.make('passing'))), record };
  }

  async diff(name: string, from: number, to: number): Promise<VersionDiff> {
    const before = await this.open(name, from);
    try {
      const after = await this.open(name, to);
      try {
        return await diffContents(this.#paths, { record: before.record, staged: before }, { record: after.record, staged: after });
      } finally {
        await removeFile(after.path);
      }
    } finally {
      await removeFile(before.path);
    }
  }

  async verify(name: string): Promise<VerifyReport> {
    const unusable = this.#artifacts.damageOf(name);
    if (unusable?.code === 'version-damaged') return { name, versions: 0, checked: 0, damages: [toDamage(unusable)] };
    // The content of the head may go as soon as there is another one.
    const { artifact, head, damages } = await this.#locks.hold(name, async () => {
      const found = this.#artifacts.get(name);
      return {
        artifact: found,
        damages: await checkFiles(this.#paths, found),
        head: await this.#objects.openAnew(found.head.sha256).catch(toVersionsError),
      };
    });
    const isNeeded = (version: number): boolean => {
      const { oldest, pins } = this.#artifacts.get(name).head;
      return version >= oldest || pins.some((pin) => pin.version === version);
    };
    const verified = await verifyArtifact(this.#paths, this.#objects, artifact, isNeeded, head);
    return { name, versions: artifact.head.version, checked: verified.checked, damages: [...damages, ...verified.damages] };
  }

  damages(): Damage[] {
    return this.#artifacts.damages();
  }

  async close(): Promise<void> {
    this.#isClosing = true;
    await this.#locks.idle();
  }

  /** A content for a pin: the object is made when no version keeps it whole. */
  async whole(artifact: Artifact, version: number): Promise<Commit['objects']> {
    if (findRoute(artifact, version).steps.length === 0) return [];
    const { path, sha256: hash } = await this.#make(artifact, recordOf(artifact, version), 'durable');
    return [{ path, sha256: hash }];
  }

  now(): Date {
    return new Date(Number(this.#options.clock() / 1_000_000n));
  }

  /** One change in its turn. What is refused, or fails before it is attempted, becomes an entry of the ledger here. */
  async turn<T>(asked: Asked, task: (turn: Turn) => Promise<T>): Promise<T> {
    return this.#locks.hold(asked.name, async () => {
      let isAttempted = false;
      let before: Artifact | undefined;
      try {
        if (this.#isClosing) throw new VersionsError('closed', 'the sidecar is shutting down');
        before = this.#artifacts.find(asked.name);
        const commit = async (change: Commit): Promise<void> => {
          await this.#committer.prepare(asked.name, before);
          isAttempted = true;
          await this.#committer.commit(change, (after) => this.#took(before, after));
        };
        return await task({ before, commit });
      } catch (cause) {
        const error = toVersionsError(cause);
        if (!isAttempted) await this.#refused(asked, before, error);
        throw error;
      }
    });
  }

  #took(before: Artifact | undefined, after: Artifact): void {
    this.#artifacts.set(after);
    if (after.head.version !== before?.head.version)
      this.#options.changed(after.head.name, toRecord(after.records[after.head.version - 1]));
  }

  async #refused(asked: Asked, before: Artifact | undefined, { code, message }: VersionsError): Promise<void> {
    const from = before === undefined ? undefined : { version: before.head.version, sha256: before.head.sha256 };
    // A ledger that takes no entry is told elsewhere; the refusal stands all the same.
    await this.#options.audit.record(toEntry({ from, ...asked }, { outcome: 'refused', code, detail: message })).catch(() => undefined);
  }

  #assertRoom(before: Artifact | undefined): void {
    const { artifactsMax, versionsMax } = this.#options.limits;
    if (before === undefined && this.#artifacts.count >= artifactsMax)
      throw new VersionsError('version-limit', `there are ${artifactsMax} artifacts already (PROOFS_VERSIONS_ARTIFACTS)`);
    if (this.#artifacts.versions >= versionsMax)
      throw new VersionsError('version-limit', `there are ${versionsMax} versions already (PROOFS_VERSIONS_COUNT)`);
  }

  /** The content of a version in a file of its own, its hash checked. */
  async #make(artifact: Artifact, record: IndexedRecord, durability: 'durable' | 'passing'): Promise<StagedContent> {
    await using route = await OpenRoute.open(this.#paths, this.#objects, findRoute(artifact, record.version));
    return this.#checked(artifact, record, await route.make(durability));
  }

  async #checked(artifact: Artifact, { version, sha256: expected }: VersionRecord, made: StagedContent): Promise<StagedContent> {
    if (made.sha256 === expected) return made;
    await removeFile(made.path);
    throw new VersionsError(
      'version-damaged',
      `names/${artifact.head.name}: what is stored leads to another content than that of version ${version}`,
    );
  }

  /** Makes `staged` the next version. */
  async #advance(
    asked: Asked,
    before: Artifact | undefined,
    staged: StagedContent,
    made: Omit<NewVersion, 'sha256' | 'bytes' | 'kind' | 'patch'>,
    commit: Turn['commit'],
  ): Promise<VersionRecord> {
    const body = before === undefined ? ({ kind: 'full' } as const) : await this.#build(before, staged);
    const patch = body.kind === 'full' ? undefined : body.patch;
    try {
      const { sha256: hash, bytes } = staged;
      const version = { ...made, kind: body.kind, patch, sha256: hash, bytes };
      const { after, line, holds, releases } = nextVersion(before, version, this.now().getTime(), this.#options.limits.keep);
      const from = before === undefined ? {} : { from: { version: before.head.version, sha256: before.head.sha256 } };
      const objects = patch === undefined ? [staged] : [staged, patch];
      const to = { version: after.head.version, sha256: hash, bytes };
      await commit({ before, after, line, objects, holds, releases, asked: { ...asked, ...from, to } });
      return toRecord(after.records[after.head.version - 1]);
    } finally {
      if (patch !== undefined) await removeFile(patch.path);
    }
  }

  async #build({ head }: Artifact, staged: StagedContent): ReturnType<typeof buildPatch> {
    await using old = await this.#objects.open(head.sha256);
    await using next = await FileSource.open(staged.path);
    const from = { id: { sha256: head.sha256, bytes: head.bytes }, source: await old.forManyPasses() };
    return await buildPatch(this.#paths, from, { id: staged, source: await next.forManyPasses() });
  }

  #isDue(before: string): boolean {
    return Date.parse(before) <= this.now().getTime();
  }
}

async function neverCommitted(): Promise<void> {
  throw new VersionsError('version-io', 'a dry run changes nothing');
}

function recordAt({ head, records }: Artifact, timeNs: bigint): IndexedRecord {
  const record = records.findLast(({ at }) => BigInt(Date.parse(at)) * 1_000_000n <= timeNs);
  if (record === undefined)
    throw new VersionsError('not-found', `"${head.name}" had no version yet at that time; its first is of ${records[0].at}`);
  return record;
}

/** What makes a repeated request the same one. */
function toRequest(
  { idempotencyKey, precondition, actor, reason, confirmWithinS }: PutRequest,
  staged: StagedContent,
): IndexedRecord['request'] {
  if (idempotencyKey === undefined) return undefined;
  const digest = sha256(JSON.stringify([staged.sha256, precondition, actor, reason, confirmWithinS]));
  return { key: sha256(idempotencyKey), digest };
}

function findReplay({ records }: Artifact, request: IndexedRecord['request']): IndexedRecord | undefined {
  if (request === undefined) return undefined;
  const found = records.findLast((record) => record.request?.key === request.key);
  if (found !== undefined && found.request?.digest !== request.digest)
    throw new VersionsError('key-reused', `the Idempotency-Key came with another request before, which made version ${found.version}`);
  return found;
}
