import { EventEmitter } from 'node:events';
import { Worker } from 'node:worker_threads';
import { utf8 } from '../kernel/bytes.ts';
import { PAYLOAD_BYTES_MAX } from '../kernel/leaf.ts';
import { nodeHashes } from '../kernel/node-hashes.ts';
import { formatCheckpointText, formatNote, parseVerifierKey } from '../kernel/note.ts';
import { FileReader } from './file-reader.ts';
import { LedgerError, type LedgerErrorCode } from './ledger-error.ts';
import { LedgerIndex } from './ledger-index.ts';
import { ledgerPaths } from './paths.ts';
import type { Appended, AppendRequest, Ledger, LedgerStats } from './ports.ts';
import { RequestMemory, splitRequestTag } from './request-log.ts';
import type { Commit, CommittedHead } from './writer.ts';
import type { FromWriter, ToWriter, WriterThreadOptions } from './writer-thread.ts';

/** Waiting payload bytes beyond which requests are refused with `queue-full`: about two seconds of a slow disk. */
const QUEUE_BYTES_MAX = 64 * 1024 * 1024;
/** Waiting requests beyond which the same happens; each costs about a kilobyte. */
const QUEUE_REQUESTS_MAX = 20_000;

type Ready = Extract<FromWriter, { kind: 'ready' }>;

interface Pending {
  readonly bytes: number;
  readonly keyDigest: string | undefined;
  readonly bodyDigest: string | undefined;
  resolve(appended: Appended): void;
  reject(error: LedgerError): void;
}

export interface OpenLedgerOptions extends Partial<WriterThreadOptions> {
  readonly dataDir: string;
  /** Requests that may wait; QUEUE_REQUESTS_MAX unless a test wants to see the bound. */
  readonly queueRequestsMax?: number | undefined;
}

/** What the process wants to know of the writer beside the answers to its requests. */
export interface LedgerEvents {
  committed: [Commit];
  /** The writer thread has died: nothing is acknowledged any more, the process must end. */
  fatal: [LedgerError];
}

export interface OpenedLedger extends Ledger {
  readonly events: EventEmitter<LedgerEvents>;
  /** End of the sealed segment that holds the leaf; undefined while that segment takes leaves. */
  sealedEnd(seq: number): number | undefined;
}

/** Opens (or creates) the ledger below `dataDir`, recovering first. Rejects with LedgerError when it must not be written. */
export async function openLedger(options: OpenLedgerOptions): Promise<OpenedLedger> {
  const { dataDir, keysDir, origin, anchorNote, queueRequestsMax = QUEUE_REQUESTS_MAX } = options;
  const workerData: WriterThreadOptions = { dataDir, keysDir, origin, anchorNote };
  const isBuilt = import.meta.url.endsWith('.js');
  const worker = new Worker(new URL(isBuilt ? './writer-thread.js' : './writer-thread.ts', import.meta.url), { workerData });
  const ready = await new Promise<Ready>((resolve, reject) => {
    worker.once('error', (cause: Error) =>
      reject(new LedgerError('failed', `the ledger's writer thread failed: ${cause.message}`, { cause })),
    );
    worker.once('message', (message: FromWriter) => {
      if (message.kind === 'ready') resolve(message);
      else if (message.kind === 'fatal') reject(new LedgerError(message.code as LedgerErrorCode, message.message));
    });
  });
  worker.removeAllListeners('error');
  return new LedgerClient(worker, ready, ledgerPaths(dataDir, keysDir).segments, queueRequestsMax);
}

/** The main thread's side of the writer: queue bounds, retries by key, and reading. */
class LedgerClient extends FileReader implements Ledger {
  readonly events = new EventEmitter<LedgerEvents>();
  readonly #worker: Worker;
  readonly #shared: { head: CommittedHead };
  readonly #index: LedgerIndex;
  readonly #memory = new RequestMemory();
  readonly #pending = new Map<number, Pending>();
  /** Requests with a key that are on their way, so that a retry joins instead of landing twice. */
  readonly #inFlight = new Map<string, { bodyDigest: string; answer: Promise<Appended> }>();
  readonly #signing = new Map<number, { resolve(signature: Uint8Array): void; reject(error: LedgerError): void }>();
  readonly #recoveries: number;
  readonly #queueRequestsMax: number;
  #nextId = 1;
  #queuedBytes = 0;
  #isDiskFull = false;
  #isCheckpointStale: boolean;
  #ended: LedgerError | undefined;
  #closed: Promise<void> | undefined;
  #onClosed: (() => void) | undefined;

  constructor(worker: Worker, ready: Ready, segmentsDir: string, queueRequestsMax: number) {
    const index = new LedgerIndex(nodeHashes);
    index.apply(ready.index);
    const shared = { head: ready.head };
    super(segmentsDir, ready.identity, index, () => shared.head);
    this.#worker = worker;
    this.#shared = shared;
    this.#index = index;
    this.#recoveries = ready.recoveries;
    this.#isCheckpointStale = ready.isCheckpointStale;
    this.#queueRequestsMax = queueRequestsMax;
    for (const request of ready.requests) this.#memory.remember(request);
    worker.on('message', (message: FromWriter) => this.#receive(message));
    worker.on('error', (cause: Error) =>
      this.#die(new LedgerError('failed', `the ledger's writer thread failed: ${cause.message}`, { cause })),
    );
    worker.on('exit', () => {
      this.#onClosed?.();
      if (this.#closed === undefined) this.#die(new LedgerError('failed', "the ledger's writer thread ended"));
    });
  }

  append(request: AppendRequest): Promise<Appended> {
    if (request.requestTag === undefined) return this.#enqueue(request, undefined);
    const tag = splitRequestTag(request.requestTag);
    const known = this.#memory.recall(tag.keyDigest);
    const inFlight = this.#inFlight.get(tag.keyDigest);
    if ((known ?? inFlight ?? tag).bodyDigest !== tag.bodyDigest) {
      return Promise.reject(new LedgerError('key-reused', 'this Idempotency-Key was used for another request'));
    }
    if (known !== undefined)
      return Promise.resolve({ first: known.first, last: known.last, checkpoint: this.head().checkpoint, isReplay: true });
    if (inFlight !== undefined) return inFlight.answer.then((appended) => ({ ...appended, isReplay: true }));
    const answer = this.#enqueue(request, tag);
    this.#inFlight.set(tag.keyDigest, { bodyDigest: tag.bodyDigest, answer });
    const forget = (): void => void this.#inFlight.delete(tag.keyDigest);
    answer.then(forget, forget);
    return answer;
  }

  #enqueue(request: AppendRequest, tag: { keyDigest: string; bodyDigest: string } | undefined): Promise<Appended> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    const bytes = request.events.payloads.length + (request.record === undefined ? 0 : PAYLOAD_BYTES_MAX);
    if (this.#pending.size >= this.#queueRequestsMax || this.#queuedBytes + bytes > QUEUE_BYTES_MAX) {
      return Promise.reject(
        new LedgerError('queue-full', `${this.#pending.size} requests with ${this.#queuedBytes} bytes are waiting for the disk`),
      );
    }
    const id = this.#nextId++;
    this.#queuedBytes += bytes;
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { bytes, keyDigest: tag?.keyDigest, bodyDigest: tag?.bodyDigest, resolve, reject });
      const { payloads, ends, levels, tenants } = request.events;
      // Moved, not copied; an empty batch is shared by all callers and must stay theirs.
      const transfer = ends.length === 0 ? [] : [payloads.buffer, ends.buffer, levels.buffer, tenants.buffer];
      this.#post({ kind: 'append', id, request }, transfer);
    });
  }

  async signCheckpoint(size: number): Promise<string> {
    const text = formatCheckpointText({ origin: this.identity.origin, size, root: await this.rootAt(size) });
    return formatNote(text, parseVerifierKey(nodeHashes, this.identity.verifierKey), await this.sign(utf8(text)));
  }

  sign(message: Uint8Array): Promise<Uint8Array> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#signing.set(id, { resolve, reject });
      this.#post({ kind: 'sign', id, message }, []);
    });
  }

  stats(): LedgerStats {
    return {
      queuedBytes: this.#queuedBytes,
      queuedRequests: this.#pending.size,
      recoveries: this.#recoveries,
      isDiskFull: this.#isDiskFull,
      isCheckpointStale: this.#isCheckpointStale,
    };
  }

  close(): Promise<void> {
    this.#closed ??= new Promise((resolve) => {
      if (this.#ended !== undefined) {
        resolve();
        return;
      }
      this.#ended = new LedgerError('closed', 'the ledger is closed');
      this.#onClosed = resolve;
      this.#post({ kind: 'close' }, []);
    });
    return this.#closed;
  }

  #post(message: ToWriter, transfer: ArrayBuffer[]): void {
    this.#worker.postMessage(message, transfer);
  }

  #receive(message: FromWriter): void {
    if (message.kind === 'committed') this.#committed(message.commit);
    else if (message.kind === 'disk-full') {
      this.#isDiskFull = true;
      for (const id of message.ids) this.#settle(id)?.reject(new LedgerError('disk-full', message.message));
    } else if (message.kind === 'signed') {
      this.#signing.get(message.id)?.resolve(message.signature);
      this.#signing.delete(message.id);
    } else if (message.kind === 'fatal') this.#die(new LedgerError(message.code as LedgerErrorCode, message.message));
  }

  #committed(commit: Commit): void {
    this.#isDiskFull = false;
    this.#isCheckpointStale = commit.isCheckpointStale;
    this.#index.apply(commit.delta);
    this.#shared.head = commit.head;
    this.events.emit('committed', commit);
    for (const { id, first, last } of commit.results) {
      const pending = this.#settle(id);
      if (pending?.keyDigest !== undefined && pending.bodyDigest !== undefined)
        this.#memory.remember({ keyDigest: pending.keyDigest, bodyDigest: pending.bodyDigest, first, last });
      pending?.resolve({ first, last, checkpoint: commit.head.checkpoint, isReplay: false });
    }
  }

  #settle(id: number): Pending | undefined {
    const pending = this.#pending.get(id);
    if (pending === undefined) return undefined;
    this.#pending.delete(id);
    this.#queuedBytes -= pending.bytes;
    return pending;
  }

  #die(error: LedgerError): void {
    if (this.#ended?.code === 'failed') return;
    this.#ended = error;
    for (const id of this.#pending.keys()) this.#settle(id)?.reject(error);
    for (const waiting of this.#signing.values()) waiting.reject(error);
    this.#signing.clear();
    this.events.emit('fatal', error);
  }
}
