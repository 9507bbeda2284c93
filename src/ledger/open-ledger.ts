import { EventEmitter } from 'node:events';
import { Worker, type MessagePort } from 'node:worker_threads';
import { utf8 } from '../kernel/bytes.ts';
import { EMPTY_BATCH } from '../kernel/event-batch.ts';
import { PAYLOAD_BYTES_MAX } from '../kernel/leaf.ts';
import { nodeHashes } from '../kernel/node-hashes.ts';
import { formatCheckpointText, formatNote, parseVerifierKey } from '../kernel/note.ts';
import { FileReader } from './file-reader.ts';
import { isOnRecord } from './is-on-record.ts';
import { KeptIndexes } from './kept-indexes.ts';
import { LedgerError, type LedgerErrorCode } from './ledger-error.ts';
import { LedgerIndex, unpackDelta } from './ledger-index.ts';
import { ledgerPaths, type LedgerPaths } from './paths.ts';
import type { Appended, AppendRequest, Ledger, LedgerStats } from './ports.ts';
import { pruningPayload } from './pruning.ts';
import { RequestMemory, splitRequestTag, type RememberedRequest } from './request-log.ts';
import type { CheckpointLockOptions } from './checkpoint-lock.ts';
import type { CommittedHead } from './committer.ts';
import { forwardSecurity } from './forward-security.ts';
import { segmentsHere, type SegmentsHere } from './sealed-segments.ts';
import type { Commit, WriterEpochs } from './writer.ts';
import type { FromWriter, StartReport, ToWriter, WriterThreadOptions } from './writer-thread.ts';

/** Waiting payload bytes beyond which requests are refused with `queue-full`: about two seconds of a slow disk. */
const QUEUE_BYTES_MAX = 64 * 1024 * 1024;
/** Waiting requests beyond which the same happens; each costs about a kilobyte. */
const QUEUE_REQUESTS_MAX = 20_000;

type Ready = Extract<FromWriter, { kind: 'ready' }>;

interface Ends {
  published: CommittedHead;
  acknowledged: CommittedHead;
}

interface Pending {
  readonly bytes: number;
  readonly keyDigest: string | undefined;
  readonly bodyDigest: string | undefined;
  resolve(appended: Appended): void;
  reject(error: LedgerError): void;
}

export interface OpenLedgerOptions {
  readonly dataDir: string;
  readonly keysDir?: string | undefined;
  readonly origin?: string | undefined;
  /** Checkpoint note of an operator, when the watermark is lost. */
  readonly anchorNote?: string | undefined;
  /** Where the last public checkpoint is kept; nowhere unless given. */
  readonly lock?: CheckpointLockOptions | undefined;
  /** Told of every change before it is made (ledger/port-journal.ts); moves to the writer's thread. */
  readonly journalPort?: MessagePort | undefined;
  /** EPOCH_SEAL_AFTER_MS unless a test must not wait that long for an epoch's end. */
  readonly sealAfterMs?: number | undefined;
  /** Requests that may wait; QUEUE_REQUESTS_MAX unless a test wants to see the bound. */
  readonly queueRequestsMax?: number | undefined;
}

/** What the process wants to know of the writer beside the answers to its requests. */
export interface LedgerEvents {
  committed: [Commit];
  /** The public head has moved on to this size: at a commit, or later when the checkpoint lock could not be reached then. */
  published: [CommittedHead];
  /** A segment takes no more leaves, and its last checkpoint is public. */
  sealed: [];
  /** The writer thread has died: nothing is acknowledged any more, the process must end. */
  fatal: [LedgerError];
}

export interface OpenedLedger extends Ledger {
  readonly events: EventEmitter<LedgerEvents>;
  /** End of the sealed segment that holds the leaf; undefined while that segment takes leaves. */
  sealedEnd(seq: number): number | undefined;
  /** Leaves in full segments. */
  sealedSize(): number;
  readonly start: StartReport;
  /** Requests are waiting for the writer. */
  isBusy(): boolean;
  segments(): SegmentsHere;
  /** Leaves that retention removed. */
  prunedLeaves(): number;
  /**
   * Removes them up to but without `before`, the first entry of one; resolves when their files are gone. From the moment that the entry
   * which says so is durable, reading them fails with `pruned`.
   */
  prune(before: number, archive: string): Promise<void>;
}

/** Opens (or creates) the ledger below `dataDir`, recovering first. Rejects with LedgerError when it must not be written. */
export async function openLedger(options: OpenLedgerOptions): Promise<OpenedLedger> {
  const { dataDir, keysDir, origin, anchorNote, lock = { kind: 'off' }, journalPort, sealAfterMs } = options;
  const workerData: WriterThreadOptions = { dataDir, keysDir, origin, anchorNote, lock, journalPort, sealAfterMs };
  const isBuilt = import.meta.url.endsWith('.js');
  const transferList = journalPort === undefined ? [] : [journalPort];
  const worker = new Worker(new URL(isBuilt ? './writer-thread.js' : './writer-thread.ts', import.meta.url), { workerData, transferList });
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
  return new LedgerClient(worker, ready, ledgerPaths(dataDir, keysDir), options.queueRequestsMax ?? QUEUE_REQUESTS_MAX);
}

/** The main thread's side of the writer: queue bounds, retries by key, and reading. */
class LedgerClient extends FileReader implements Ledger {
  readonly events = new EventEmitter<LedgerEvents>();
  /** Up to the last acknowledged entry, whether or not its checkpoint is public yet. */
  readonly acknowledged: FileReader;
  readonly #worker: Worker;
  readonly #paths: LedgerPaths;
  readonly #shared: Ends;
  readonly #index: LedgerIndex;
  readonly #memory = new RequestMemory();
  readonly #pending = new Map<number, Pending>();
  /** Requests with a key that are on their way, so that a retry joins instead of landing twice. */
  readonly #inFlight = new Map<string, { bodyDigest: string; answer: Promise<Appended> }>();
  readonly #signing = new Map<number, { resolve(signature: Uint8Array): void; reject(error: LedgerError): void }>();
  readonly start: StartReport;
  /** Requests known from an index that have been found in the ledger. */
  readonly #checked = new WeakSet<RememberedRequest>();
  readonly #keptIndexes: KeptIndexes;
  /** Asked of the writer and not done yet, oldest first. */
  readonly #pruning: { resolve(): void; reject(error: LedgerError): void }[] = [];
  readonly #recoveries: number;
  readonly #queueRequestsMax: number;
  #nextId = 1;
  #queuedBytes = 0;
  #isDiskFull = false;
  #isCheckpointStale: boolean;
  #epochs: WriterEpochs;
  #ended: LedgerError | undefined;
  #closed: Promise<void> | undefined;
  #onClosed: (() => void) | undefined;

  constructor(worker: Worker, ready: Ready, paths: LedgerPaths, queueRequestsMax: number) {
    const index = new LedgerIndex(nodeHashes);
    index.apply(unpackDelta(ready.index));
    const shared = { published: ready.published, acknowledged: ready.acknowledged };
    super(paths.segments, ready.identity, index, () => shared.published);
    // Nobody may be handed a checkpoint that is not public.
    const acknowledged = (): CommittedHead => ({ ...shared.acknowledged, checkpoint: shared.published.checkpoint });
    this.acknowledged = new FileReader(paths.segments, ready.identity, index, acknowledged);
    this.#keptIndexes = new KeptIndexes(paths, index, this.acknowledged);
    this.#worker = worker;
    this.#paths = paths;
    this.#shared = shared;
    this.#index = index;
    this.start = ready.start;
    if (ready.start.pruning !== undefined) index.prune(ready.start.pruning);
    this.#recoveries = ready.recoveries;
    this.#isCheckpointStale = ready.isCheckpointStale;
    this.#epochs = ready.epochs;
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
    if (known !== undefined) return this.#replay(known, request);
    if (inFlight !== undefined) return inFlight.answer.then((appended) => ({ ...appended, isReplay: true }));
    const answer = this.#enqueue(request, tag);
    this.#inFlight.set(tag.keyDigest, { bodyDigest: tag.bodyDigest, answer });
    const forget = (): void => void this.#inFlight.delete(tag.keyDigest);
    answer.then(forget, forget);
    return answer;
  }

  /** What an index says of a request is held against its leaves the first time it is used; a request that is not there is a new one. */
  async #replay(known: RememberedRequest, request: AppendRequest): Promise<Appended> {
    if (known.last < this.start.walkedFrom && !this.#checked.has(known)) {
      if (!(await isOnRecord(this.acknowledged, known))) {
        this.#memory.forget(known.keyDigest);
        return this.append(request);
      }
      this.#checked.add(known);
    }
    return this.#appended(known.first, known.last, true);
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

  #appended(first: number, last: number, isReplay: boolean): Appended {
    const { size, checkpoint } = this.head();
    return { first, last, checkpoint, isAnchored: last < size, isReplay };
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

  sealedSize(): number {
    return this.#shared.published.segmentFirst;
  }

  isBusy(): boolean {
    return this.#pending.size > 0;
  }

  prunedLeaves(): number {
    const { prunedBefore } = this.#index;
    return prunedBefore === undefined ? 0 : prunedBefore - (this.sealedEnd(0) ?? prunedBefore);
  }

  segments(): SegmentsHere {
    return segmentsHere(this.#paths, this.#index);
  }

  async prune(before: number, archive: string): Promise<void> {
    await this.#keptIndexes.settle(this.segments().sealed.filter(({ first }) => first < before));
    const pruning = { from: this.#index.prunedBefore ?? this.sealedEnd(0) ?? before, before, archive };
    await this.append({ events: EMPTY_BATCH, record: { type: 'config', payload: pruningPayload(pruning) } });
    this.#index.prune(pruning);
    this.#keptIndexes.forget(before);
    await new Promise<void>((resolve, reject) => {
      this.#pruning.push({ resolve, reject });
      this.#post({ kind: 'prune', pruning }, []);
    });
  }

  stats(): LedgerStats {
    return {
      queuedBytes: this.#queuedBytes,
      queuedRequests: this.#pending.size,
      recoveries: this.#recoveries,
      isDiskFull: this.#isDiskFull,
      isCheckpointStale: this.#isCheckpointStale,
      isAnchorReachable: this.#shared.acknowledged.size === this.#shared.published.size,
      unanchoredEntries: this.#shared.acknowledged.size - this.#shared.published.size,
      epochs: { ...this.#epochs, forwardSecurity: forwardSecurity(this.#epochs.isSealing, this.#paths) },
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
    } else if (message.kind === 'indexed') this.#keptIndexes.wrote(message.first, message.checksum);
    else if (message.kind === 'pruned') this.#pruned(message.isDone);
    else if (message.kind === 'anchored') this.#publish(message.head);
    else if (message.kind === 'root-wanted') this.#answerRoot(message.id, message.size);
    else if (message.kind === 'fatal') this.#die(new LedgerError(message.code as LedgerErrorCode, message.message));
  }

  #pruned(isDone: boolean): void {
    const waiting = this.#pruning.shift();
    if (isDone) waiting?.resolve();
    else
      waiting?.reject(
        new LedgerError(
          'io',
          'files of removed entries could not be deleted: they are immutable, or the disk is full; the next pruning tries again',
        ),
      );
  }

  #committed(commit: Commit): void {
    this.#isDiskFull = false;
    this.#isCheckpointStale = commit.isCheckpointStale;
    this.#epochs = commit.epochsNow;
    this.#index.apply(commit.delta);
    this.#shared.acknowledged = commit.head;
    if (commit.isAnchored) this.#publish(commit.head);
    this.events.emit('committed', commit);
    for (const { id, first, last } of commit.results) {
      const pending = this.#settle(id);
      if (pending?.keyDigest !== undefined && pending.bodyDigest !== undefined)
        this.#memory.remember({ keyDigest: pending.keyDigest, bodyDigest: pending.bodyDigest, first, last });
      pending?.resolve(this.#appended(first, last, false));
    }
  }

  /** Answers of a lock that was away may come behind newer commits: the public head never goes back. */
  #publish(head: CommittedHead): void {
    const { published } = this.#shared;
    if (head.size < published.size) return;
    this.#shared.published = head;
    this.events.emit('published', head);
    if (head.segmentFirst > published.segmentFirst) this.events.emit('sealed');
  }

  /** The writer's thread keeps no old roots; it asks when a lock that was away at start states an earlier size. */
  #answerRoot(id: number, size: number): void {
    this.acknowledged.rootAt(size).then(
      (root) => this.#post({ kind: 'root', id, root }, []),
      (error: unknown) => this.#post({ kind: 'root', id, root: error instanceof Error ? error.message : String(error) }, []),
    );
  }

  #settle(id: number): Pending | undefined {
    const pending = this.#pending.get(id);
    if (pending === undefined) return undefined;
    this.#pending.delete(id);
    this.#queuedBytes -= pending.bytes;
    return pending;
  }

  #die(error: LedgerError): void {
    // The first cause counts: that the thread ends is what follows of it.
    if (this.#ended !== undefined && this.#ended.code !== 'closed') return;
    this.#ended = error;
    for (const id of this.#pending.keys()) this.#settle(id)?.reject(error);
    for (const waiting of this.#signing.values()) waiting.reject(error);
    this.#signing.clear();
    for (const waiting of this.#pruning.splice(0)) waiting.reject(error);
    this.events.emit('fatal', error);
  }
}
