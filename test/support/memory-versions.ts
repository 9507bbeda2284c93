import { createHash, randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type {
  ArtifactSummary,
  Caller,
  Changed,
  Damage,
  OpenedContent,
  PutRequest,
  RollbackPlan,
  RollbackRequest,
  StagedContent,
  VerifyReport,
  VersionDiff,
  VersionRecord,
  Versions,
} from '../../src/versions/ports.ts';
import { VersionsError, type VersionsErrorCode } from '../../src/versions/versions-error.ts';

interface Held {
  readonly records: VersionRecord[];
  readonly contents: Uint8Array[];
  readonly keys: Map<string, VersionRecord>;
  summary: Omit<ArtifactSummary, 'head' | 'hold'>;
  hold?: ArtifactSummary['hold'] | undefined;
}

/** The port of versions without a disk, for tests of what stands on it. `bytesMax` bounds a content. */
export class MemoryVersions implements Versions, Disposable {
  readonly staged = new Map<string, Uint8Array>();
  /** What was asked of it, in order. */
  readonly asked: object[] = [];
  readonly watching = new Map<string, Set<(record: VersionRecord) => void>>();
  readonly found: Damage[] = [];
  /** Called before each content is handed out. */
  opening: () => Promise<void> = () => Promise.resolve();
  readonly #folder = mkdtempSync(join(tmpdir(), 'proofs-versions-'));
  readonly #artifacts = new Map<string, Held>();
  readonly #bytesMax: number;

  constructor(bytesMax = 64 * 1024 * 1024) {
    this.#bytesMax = bytesMax;
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  get folder(): string {
    return this.#folder;
  }

  /** A version, as if it had been put. */
  add(name: string, content: string | Uint8Array, more: Partial<VersionRecord> = {}): VersionRecord {
    const bytes = Buffer.from(content);
    const held: Held = this.#artifacts.get(name) ?? { records: [], contents: [], keys: new Map(), summary: { name, oldest: 1, pins: [] } };
    this.#artifacts.set(name, held);
    const version = held.records.length + 1;
    const at = new Date(Date.UTC(2026, 0, 1, 0, version)).toISOString();
    const record = { version, sha256: sha256(bytes), bytes: bytes.length, at, cause: 'put', kind: 'full', patchBytes: 0, ...more } as const;
    held.records.push(record);
    held.contents.push(bytes);
    for (const changed of this.watching.get(name) ?? []) changed(record);
    return record;
  }

  set(name: string, change: Partial<ArtifactSummary>): void {
    const held = this.#held(name);
    held.summary = { ...held.summary, ...change };
  }

  async stage(chunks: AsyncIterable<Uint8Array>): Promise<StagedContent> {
    const path = randomUUID();
    this.staged.set(path, new Uint8Array());
    try {
      const parts: Uint8Array[] = [];
      let bytes = 0;
      for await (const chunk of chunks) {
        bytes += chunk.length;
        if (bytes > this.#bytesMax) throw new VersionsError('too-large', `more than ${this.#bytesMax} bytes`);
        parts.push(chunk);
      }
      const content = Buffer.concat(parts);
      this.staged.set(path, content);
      return { path, sha256: sha256(content), bytes };
    } catch (error) {
      this.staged.delete(path);
      throw error;
    }
  }

  drop(staged: StagedContent): Promise<void> {
    this.staged.delete(staged.path);
    return Promise.resolve();
  }

  put(request: PutRequest, staged: StagedContent): Promise<Changed> {
    this.asked.push(request);
    const content = this.staged.get(staged.path) ?? new Uint8Array();
    this.staged.delete(staged.path);
    const held = this.#artifacts.get(request.name);
    const known = request.idempotencyKey === undefined ? undefined : held?.keys.get(request.idempotencyKey);
    if (known !== undefined) {
      if (known.sha256 !== staged.sha256) return refuse('key-reused', 'the key came with another content');
      return Promise.resolve({ record: known, isReplay: true });
    }
    const refused = this.#check(request.name, request.precondition);
    if (refused !== undefined) return Promise.reject(refused);
    const hold = held?.hold;
    if (hold !== undefined) return refuse('version-held', `held: ${hold.reason}`);
    const record = this.add(request.name, content, callerOf(request));
    if (request.idempotencyKey !== undefined) this.#held(request.name).keys.set(request.idempotencyKey, record);
    return Promise.resolve({ record, isReplay: false });
  }

  rollback(request: RollbackRequest): Promise<RollbackPlan> {
    this.asked.push(request);
    const { records, contents } = this.#held(request.name);
    const head = records[records.length - 1];
    if (!request.isDryRun) {
      const refused = this.#check(request.name, request.precondition);
      if (refused !== undefined) return Promise.reject(refused);
    }
    const version = typeof request.to === 'number' ? request.to : this.#at(request.name, request.to.timeNs).version;
    const target = records.at(version - 1);
    if (target === undefined) return refuse('not-found', `no version ${version}`);
    const plan = { from: { version: head.version, sha256: head.sha256 }, to: target, steps: head.version - version };
    if (request.isDryRun) return Promise.resolve(plan);
    const more = { cause: 'rollback', restores: version, ...callerOf(request) } as const;
    return Promise.resolve({ ...plan, record: this.add(request.name, contents[version - 1], more) });
  }

  confirm(name: string, caller: Caller): Promise<ArtifactSummary> {
    this.asked.push({ confirm: name, ...caller });
    if (this.#held(name).summary.confirm === undefined) return refuse('not-confirmable', 'nothing waits');
    return this.summary(name);
  }

  hold(name: string, isHeld: boolean, caller: Caller): Promise<ArtifactSummary> {
    this.asked.push({ hold: name, isHeld, ...caller });
    this.#held(name).hold = isHeld ? { reason: caller.reason ?? '', since: '2026-01-01T00:00:00.000Z' } : undefined;
    return this.summary(name);
  }

  legalHold(name: string, isHeld: boolean, caller: Caller): Promise<ArtifactSummary> {
    this.asked.push({ legalHold: name, isHeld, ...caller });
    return this.summary(name);
  }

  pin(name: string, version: number, isPinned: boolean, caller: Caller): Promise<ArtifactSummary> {
    this.asked.push({ pin: name, version, isPinned, ...caller });
    const { pins } = this.#held(name).summary;
    this.set(name, { pins: isPinned ? [...pins, version] : pins.filter((each) => each !== version) });
    return this.summary(name);
  }

  async list(after: string, limit: number): Promise<readonly ArtifactSummary[]> {
    const names = [...this.#artifacts.keys()].toSorted().filter((name) => name > after);
    return Promise.all(names.slice(0, limit).map((name) => this.summary(name)));
  }

  async summary(name: string): Promise<ArtifactSummary> {
    const { records, summary, hold } = this.#held(name);
    return { ...summary, head: records[records.length - 1], ...(hold === undefined ? {} : { hold }) };
  }

  async records(name: string, before: number, limit: number): Promise<readonly VersionRecord[]> {
    const { records } = this.#held(name);
    return records
      .filter(({ version }) => version < before)
      .slice(-limit)
      .toReversed();
  }

  async at(name: string, timeNs: bigint): Promise<VersionRecord> {
    return this.#at(name, timeNs);
  }

  async open(name: string, version: number): Promise<OpenedContent> {
    await this.opening();
    const { records, contents, summary } = this.#held(name);
    if (version < summary.oldest) throw new VersionsError('version-gone', `version ${version} is gone`);
    const path = join(this.#folder, randomUUID());
    writeFileSync(path, contents[version - 1]);
    const record = records[version - 1];
    return { path, record, sha256: record.sha256, bytes: record.bytes };
  }

  async diff(name: string, from: number, to: number): Promise<VersionDiff> {
    const { records } = this.#held(name);
    const change = { op: 'replace', path: '/a', old: { deep: [1, null, 'x'] }, new: false } as const;
    return { from: records[from - 1], to: records[to - 1], format: 'json', isCapped: false, changes: [change] };
  }

  async verify(name: string): Promise<VerifyReport> {
    const { records } = this.#held(name);
    return { name, versions: records.length, checked: records.length, damages: this.found };
  }

  watch(name: string, changed: (record: VersionRecord) => void): () => void {
    const watching = this.watching.get(name) ?? new Set();
    this.watching.set(name, watching.add(changed));
    return () => void watching.delete(changed);
  }

  damages(): readonly Damage[] {
    return this.found;
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #held(name: string): Held {
    const held = this.#artifacts.get(name);
    if (held === undefined) throw new VersionsError('not-found', `there is no artifact "${name}"`);
    return held;
  }

  #at(name: string, timeNs: bigint): VersionRecord {
    const record = this.#held(name).records.findLast(({ at }) => BigInt(Date.parse(at)) * 1_000_000n <= timeNs);
    if (record === undefined) throw new VersionsError('not-found', 'there was no version then');
    return record;
  }

  #check(name: string, precondition: PutRequest['precondition']): VersionsError | undefined {
    const current = this.#artifacts.get(name)?.records.at(-1);
    const code = precondition === undefined ? 'precondition-required' : 'version-conflict';
    const isRight =
      precondition === 'none'
        ? current === undefined
        : precondition?.version === current?.version && precondition?.sha256 === current?.sha256 && precondition !== undefined;
    return isRight ? undefined : new VersionsError(code, 'the head is another one', { details: { current } });
  }
}

function refuse(code: VersionsErrorCode, message: string): Promise<never> {
  return Promise.reject(new VersionsError(code, message));
}

function callerOf({ actor, reason }: Caller): Partial<VersionRecord> {
  return { ...(actor === undefined ? {} : { actor }), ...(reason === undefined ? {} : { reason }) };
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
