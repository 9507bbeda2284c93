import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { Json } from '../kernel/canonical-json.ts';
import { CodedError } from '../kernel/errors.ts';
import { EMPTY_BATCH } from '../kernel/event-batch.ts';
import type { Ledger } from '../ledger/ports.ts';
import { removeFile } from './disk.ts';
import { VersionPaths } from './paths.ts';
import type { Caller, Damage, PutRequest, RollbackRequest, StagedContent, VersionRecord, Versions } from './ports.ts';
import { stageContent } from './stage-content.ts';
import type { FromVersions, SentError, ThreadCalls, ToVersions, VersionsThreadOptions } from './thread-messages.ts';
import { VersionsError, type VersionsErrorCode } from './versions-error.ts';

export interface VersionsOptions extends VersionsThreadOptions {
  /** Bytes of one content. */
  readonly bytesMax: number;
}

export interface VersionsEvents {
  /** What the store met and went on from. */
  trouble(error: VersionsError): void;
  /** Nobody confirmed a head in its time, and the version before it came back. */
  reverted(name: string, record: VersionRecord): void;
}

/** Opens the store in a thread of its own. Resolves when what a crash left is settled and removed. */
export async function openVersions(options: VersionsOptions, ledger: Ledger, events: VersionsEvents): Promise<Versions> {
  const client = new VersionsClient(options, ledger, events);
  await client.ready;
  return client;
}

/** The main thread's side: contents on their way in and out, and the way to the ledger. */
class VersionsClient implements Versions {
  readonly ready: Promise<void>;
  readonly #worker: Worker;
  readonly #ended: Promise<unknown>;
  readonly #paths: VersionPaths;
  readonly #bytesMax: number;
  readonly #ledger: Ledger;
  readonly #events: VersionsEvents;
  readonly #calls = new Map<number, { readonly resolve: (value: unknown) => void; readonly reject: (error: VersionsError) => void }>();
  readonly #watchers = new Map<string, Set<(record: VersionRecord) => void>>();
  #nextId = 0;
  #damages: readonly Damage[] = [];
  /** Why nothing works any more. */
  #death: VersionsError | undefined;
  #isClosing = false;

  constructor({ bytesMax, ...options }: VersionsOptions, ledger: Ledger, events: VersionsEvents) {
    this.#bytesMax = bytesMax;
    this.#ledger = ledger;
    this.#events = events;
    this.#paths = new VersionPaths(options.dataDir);
    const isBuilt = import.meta.url.endsWith('.js');
    this.#worker = new Worker(new URL(isBuilt ? './versions-thread.js' : './versions-thread.ts', import.meta.url), { workerData: options });
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.ready = promise;
    this.#worker.on('message', (message: FromVersions) => {
      if (message.kind === 'ready') {
        this.#damages = message.damages;
        resolve();
      } else this.#heard(message);
    });
    this.#worker.on('error', (error: Error) => this.#died(error));
    this.#ended = once(this.#worker, 'exit').then(() => {
      this.#died(new Error('its thread has ended'));
      reject(this.#death ?? new Error('the thread of the versions has ended'));
    });
  }

  stage(chunks: AsyncIterable<Uint8Array>): Promise<StagedContent> {
    return stageContent(this.#paths, chunks, this.#bytesMax);
  }

  drop({ path }: StagedContent): Promise<void> {
    return removeFile(path);
  }

  put(request: PutRequest, staged: StagedContent): ReturnType<Versions['put']> {
    return this.#call('put', request, staged);
  }

  rollback(request: RollbackRequest): ReturnType<Versions['rollback']> {
    return this.#call('rollback', request);
  }

  confirm(name: string, caller: Caller): ReturnType<Versions['confirm']> {
    return this.#call('confirm', name, caller);
  }

  hold(name: string, isHeld: boolean, caller: Caller): ReturnType<Versions['hold']> {
    return this.#call('hold', name, isHeld, caller);
  }

  legalHold(name: string, isHeld: boolean, caller: Caller): ReturnType<Versions['legalHold']> {
    return this.#call('legalHold', name, isHeld, caller);
  }

  pin(name: string, version: number, isPinned: boolean, caller: Caller): ReturnType<Versions['pin']> {
    return this.#call('pin', name, version, isPinned, caller);
  }

  list(after: string, limit: number): ReturnType<Versions['list']> {
    return this.#call('list', after, limit);
  }

  summary(name: string): ReturnType<Versions['summary']> {
    return this.#call('summary', name);
  }

  records(name: string, before: number, limit: number): ReturnType<Versions['records']> {
    return this.#call('records', name, before, limit);
  }

  at(name: string, timeNs: bigint): ReturnType<Versions['at']> {
    return this.#call('at', name, timeNs);
  }

  open(name: string, version: number): ReturnType<Versions['open']> {
    return this.#call('open', name, version);
  }

  diff(name: string, from: number, to: number): ReturnType<Versions['diff']> {
    return this.#call('diff', name, from, to);
  }

  verify(name: string): ReturnType<Versions['verify']> {
    return this.#call('verify', name);
  }

  watch(name: string, changed: (record: VersionRecord) => void): () => void {
    const watchers = this.#watchers.get(name) ?? new Set();
    this.#watchers.set(name, watchers.add(changed));
    return () => {
      watchers.delete(changed);
      if (watchers.size === 0) this.#watchers.delete(name);
    };
  }

  damages(): readonly Damage[] {
    return this.#death === undefined ? this.#damages : [...this.#damages, { place: '', what: this.#death.message }];
  }

  async close(): Promise<void> {
    await this.#call('close').catch(() => undefined);
    this.#isClosing = true;
    await this.#worker.terminate();
    await this.#ended.catch(() => undefined);
    // Reading goes on beside changes, and is not waited for.
    this.#refuseAll(new VersionsError('closed', 'the sidecar is shutting down'));
  }

  #call<M extends keyof ThreadCalls>(method: M, ...args: Parameters<ThreadCalls[M]>): ReturnType<ThreadCalls[M]> {
    const id = this.#nextId++;
    const answer = new Promise<unknown>((resolve, reject) => {
      if (this.#death !== undefined) return reject(this.#death);
      this.#calls.set(id, { resolve, reject });
      this.#tell({ kind: 'call', id, method, args });
    });
    return answer as ReturnType<ThreadCalls[M]>;
  }

  #tell(message: ToVersions): void {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker has no origin, only browser windows do
    this.#worker.postMessage(message);
  }

  #heard(message: Exclude<FromVersions, { kind: 'ready' }>): void {
    if (message.kind === 'record') void this.#record(message.id, message.entry);
    else if (message.kind === 'trouble') this.#events.trouble(toError(message.error));
    else if (message.kind === 'changed') this.#changed(message.name, message.record);
    else {
      const call = this.#calls.get(message.id);
      this.#calls.delete(message.id);
      if (message.kind === 'result') call?.resolve(message.value);
      else call?.reject(toError(message.error));
    }
  }

  #changed(name: string, record: VersionRecord): void {
    if (record.cause === 'revert') this.#events.reverted(name, record);
    for (const watcher of this.#watchers.get(name) ?? []) watcher(record);
  }

  async #record(id: number, entry: Json): Promise<void> {
    try {
      await this.#ledger.append({ events: EMPTY_BATCH, record: { type: 'versionChange', payload: entry } });
      this.#tell({ kind: 'recorded', id });
    } catch (error) {
      const code = error instanceof CodedError ? error.code : 'version-io';
      this.#tell({ kind: 'recorded', id, error: { code, message: error instanceof Error ? error.message : String(error) } });
    }
  }

  /** What was under way may have happened; the next start says so in the ledger. */
  #died(cause: Error): void {
    if (this.#isClosing || this.#death !== undefined) return;
    const death = new VersionsError('version-io', `the store of the versions has failed: ${cause.message}`, { cause });
    this.#refuseAll(death);
    this.#events.trouble(death);
  }

  #refuseAll(death: VersionsError): void {
    this.#death = death;
    for (const { reject } of this.#calls.values()) reject(death);
    this.#calls.clear();
  }
}

function toError({ code, message, details = {} }: SentError): VersionsError {
  return new VersionsError(code as VersionsErrorCode, message, { details });
}
