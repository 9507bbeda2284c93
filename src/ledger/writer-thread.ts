import { dirname } from 'node:path';
import { parentPort, workerData, type MessagePort } from 'node:worker_threads';
import { openCheckpointLock } from '../anchor/open-checkpoint-lock.ts';
import { systemClocks } from '../kernel/clock.ts';
import { CodedError } from '../kernel/errors.ts';
import { signEd25519 } from '../kernel/ed25519.ts';
import { CheckpointAnchor } from './checkpoint-anchor.ts';
import type { CheckpointLockOptions } from './checkpoint-lock.ts';
import type { CommittedHead } from './committer.ts';
import { errorCode, isDiskFull, makeDirectory, readBootId } from './files.ts';
import { LedgerError } from './ledger-error.ts';
import { packDelta, type PackedDelta } from './ledger-index.ts';
import { lockLedger } from './lock.ts';
import { openOrCreate } from './open-or-create.ts';
import { ledgerPaths } from './paths.ts';
import type { AppendRequest, LedgerIdentity } from './ports.ts';
import { portJournal } from './port-journal.ts';
import { pruneUntilDone } from './prune-files.ts';
import type { Pruning } from './pruning.ts';
import type { RememberedRequest } from './request-log.ts';
import { SEAL_LIMITS } from './seal-schedule.ts';
import { NO_JOURNAL } from './write-journal.ts';
import { Writer, type Commit, type WriterEpochs } from './writer.ts';

/** The thread that owns the ledger's files and secrets. Messages carry batches, never single entries. */
export interface WriterThreadOptions {
  readonly dataDir: string;
  readonly keysDir: string | undefined;
  readonly origin: string | undefined;
  readonly anchorNote: string | undefined;
  readonly lock: CheckpointLockOptions;
  readonly journalPort: MessagePort | undefined;
  readonly sealAfterMs: number | undefined;
}

export type ToWriter =
  | { readonly kind: 'append'; readonly id: number; readonly request: AppendRequest }
  | { readonly kind: 'sign'; readonly id: number; readonly message: Uint8Array }
  /** The answer to `root-wanted`; a text says why there is none. */
  | { readonly kind: 'root'; readonly id: number; readonly root: Uint8Array | string }
  /** The entry that states it is durable. */
  | { readonly kind: 'prune'; readonly pruning: Pruning }
  | { readonly kind: 'close' };

export type FromWriter =
  | {
      readonly kind: 'ready';
      readonly identity: LedgerIdentity;
      readonly published: CommittedHead;
      readonly acknowledged: CommittedHead;
      readonly index: PackedDelta;
      readonly requests: readonly RememberedRequest[];
      readonly recoveries: number;
      readonly isCheckpointStale: boolean;
      readonly epochs: WriterEpochs;
      readonly start: StartReport;
    }
  | { readonly kind: 'committed'; readonly commit: Commit }
  | { readonly kind: 'anchored'; readonly head: CommittedHead }
  | { readonly kind: 'root-wanted'; readonly id: number; readonly size: number }
  | { readonly kind: 'indexed'; readonly first: number; readonly checksum: string | undefined }
  | { readonly kind: 'pruned'; readonly isDone: boolean }
  | { readonly kind: 'disk-full'; readonly ids: readonly number[]; readonly message: string }
  | { readonly kind: 'signed'; readonly id: number; readonly signature: Uint8Array }
  | { readonly kind: 'fatal'; readonly code: string; readonly message: string }
  | { readonly kind: 'closed' };

/** How a start came by what it knows. */
export interface StartReport {
  /** Entries below this were not read: their segments' indexes were taken. */
  readonly walkedFrom: number;
  /** Why everything was read after all. */
  readonly indexFault: string | undefined;
  readonly pruning: Pruning | undefined;
  /** Where a lock is that held nothing although the ledger is not new. */
  readonly emptyLock: string | undefined;
}

/** How late an epoch may be sealed and a step of the clock be seen; a look costs microseconds. */
const TICK_MS = 100;

type Post = (message: FromWriter) => void;

async function main(options: WriterThreadOptions, post: Post, listen: (handler: (message: ToWriter) => void) => void): Promise<void> {
  const paths = ledgerPaths(options.dataDir, options.keysDir);
  const journal = options.journalPort === undefined ? NO_JOURNAL : portJournal(options.journalPort);
  makeDirectory(dirname(paths.ledger));
  const lock = lockLedger(paths.lock);
  const openLock = (ledgerId: Uint8Array): ReturnType<typeof openCheckpointLock> => openCheckpointLock(options.lock, ledgerId);
  const { keys, recovered, ...locked } = await openOrCreate(paths, { ...options, clock: systemClocks.wall, journal, openLock });
  const { identity } = recovered;
  const roots = new RootQuestions(post);
  const events = {
    committed: (commit: Commit) => post({ kind: 'committed', commit }),
    anchored: (head: CommittedHead) => post({ kind: 'anchored', head }),
    indexed: (first: number, checksum: string | undefined) => post({ kind: 'indexed', first, checksum }),
    diskFull: (ids: readonly number[], cause: unknown) => post({ kind: 'disk-full', ids, message: describe(cause) }),
    fatal: (cause: unknown) => post({ kind: 'fatal', code: codeOf(cause), message: describe(cause) }),
  };
  const { writer, published } = await Writer.open(paths, keys, recovered, events, {
    clocks: systemClocks,
    bootId: readBootId(),
    anchor: new CheckpointAnchor(locked.lock, identity, locked.standing),
    journal,
    sealLimits: { ...SEAL_LIMITS, afterMs: options.sealAfterMs ?? SEAL_LIMITS.afterMs },
    rootAt: (size) => roots.ask(size),
  });
  const readable = published.isAnchored ? published.head : recovered.published;
  if (readable === undefined)
    throw new LedgerError(
      'failed',
      'the checkpoint was lost and the checkpoint lock cannot be reached: there is nothing that may be served',
    );
  post({
    kind: 'ready',
    identity,
    published: readable,
    acknowledged: published.head,
    index: packDelta(recovered.delta),
    requests: recovered.requests,
    recoveries: recovered.findings.length,
    isCheckpointStale: published.isCheckpointStale,
    epochs: writer.epochs(),
    start: { walkedFrom: recovered.walkedFrom, pruning: recovered.pruning, indexFault: recovered.indexFault, emptyLock: locked.emptyLock },
  });
  const ending = new AbortController();
  const prune = (pruning: Pruning): void => {
    // Full segments only: nothing in the writer has them open, so any moment between two of its steps is right.
    pruneUntilDone(paths, pruning, journal, ending.signal).then((isDone) => post({ kind: 'pruned', isDone }), events.fatal);
  };
  // What an earlier life stated and a start could not remove at once.
  if (recovered.pruning !== undefined) pruneUntilDone(paths, recovered.pruning, journal, ending.signal).catch(events.fatal);
  listen((message) => {
    if (message.kind === 'append') writer.append(message.id, message.request);
    else if (message.kind === 'sign') post({ kind: 'signed', id: message.id, signature: signEd25519(keys.signingKey, message.message) });
    else if (message.kind === 'root') roots.answer(message.id, message.root);
    else if (message.kind === 'prune') prune(message.pruning);
    else writer.close();
  });
  const ticking = setInterval(() => writer.tick(), TICK_MS);
  await writer.run();
  clearInterval(ticking);
  ending.abort();
  recovered.state.chain.wipe();
  recovered.state.epochs.keys.wipe();
  lock.release();
  options.journalPort?.close();
  post({ kind: 'closed' });
}

/** Roots of earlier sizes, asked from the main thread, which has the index. */
class RootQuestions {
  readonly #post: Post;
  readonly #waiting = new Map<number, { resolve(root: Uint8Array): void; reject(error: Error): void }>();
  #nextId = 1;

  constructor(post: Post) {
    this.#post = post;
  }

  ask(size: number): Promise<Uint8Array> {
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#post({ kind: 'root-wanted', id, size });
    });
  }

  answer(id: number, root: Uint8Array | string): void {
    const question = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (typeof root === 'string') question?.reject(new Error(root));
    else question?.resolve(root);
  }
}

function codeOf(cause: unknown): string {
  return cause instanceof CodedError ? cause.code : 'failed';
}

function describe(cause: unknown): string {
  const code = errorCode(cause);
  const message = cause instanceof Error ? cause.message : String(cause);
  return isDiskFull(cause) ? `the disk is full (${code})` : message;
}

if (parentPort !== null) {
  const port = parentPort;
  const post = (message: FromWriter): void => port.postMessage(message);
  const listen = (handler: (message: ToWriter) => void): void => void port.on('message', handler);
  main(workerData as WriterThreadOptions, post, listen)
    .catch((error: unknown) => post({ kind: 'fatal', code: codeOf(error), message: describe(error) }))
    .finally(() => port.close());
}
