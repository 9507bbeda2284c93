import { CheckpointAnchor } from '../../src/ledger/checkpoint-anchor.ts';
import type { CheckpointLock } from '../../src/ledger/checkpoint-lock.ts';
import type { CommittedHead, CommitStep } from '../../src/ledger/committer.ts';
import type { EpochKeys } from '../../src/ledger/epoch-keys.ts';
import { openOrCreate, type OpenedFiles } from '../../src/ledger/open-or-create.ts';
import { ledgerPaths } from '../../src/ledger/paths.ts';
import type { AppendRequest } from '../../src/ledger/ports.ts';
import type { SealLimits } from '../../src/ledger/seal-schedule.ts';
import type { WriteJournal } from '../../src/ledger/write-journal.ts';
import { NO_JOURNAL } from '../../src/ledger/write-journal.ts';
import { Writer, type Commit } from '../../src/ledger/writer.ts';
import { batchOf } from './batch-of.ts';

export interface InHandOptions {
  /** Of both clocks, ns; they can be set apart. */
  readonly wall: () => bigint;
  readonly monotonic?: () => bigint;
  /** No epoch ends by itself unless given. */
  readonly sealLimits?: Partial<SealLimits>;
  readonly onStep?: (step: CommitStep) => void;
  readonly lock?: CheckpointLock;
  /** For a lock that cannot be read at start. */
  readonly rootAt?: (size: number) => Promise<Uint8Array>;
  readonly journal?: WriteJournal;
  readonly keysDir?: string;
}

const NEVER = 1e12;

/** A writer in this thread with its clocks, lock and steps in our hands. A step that throws kills it there, as SIGKILL would. */
export interface WriterInHand {
  readonly opened: OpenedFiles;
  readonly writer: Writer;
  readonly commits: readonly Commit[];
  readonly anchored: readonly CommittedHead[];
  /** Resolves with the commit that acknowledged the events; rejects when the writer dies first. */
  append(events: Parameters<typeof batchOf>[0], requestTag?: Uint8Array): Promise<Commit>;
  appendRecord(record: AppendRequest['record']): Promise<Commit>;
  rotate(keys: EpochKeys): void;
  /** Why it died, once it has. */
  readonly died: Promise<unknown>;
  /** Rejects when it dies on the way. */
  close(): Promise<void>;
}

export async function startWriter(dataDir: string, options: InHandOptions): Promise<WriterInHand> {
  const { wall, monotonic = wall, sealLimits, lock, journal = NO_JOURNAL } = options;
  const { keysDir } = options;
  const paths = ledgerPaths(dataDir, keysDir);
  const unset = { origin: undefined, anchorNote: undefined };
  const opened = await openOrCreate(paths, { ...unset, dataDir, keysDir, journal, clock: wall, openLock: () => lock });
  const waiting = new Map<number, { resolve(commit: Commit): void; reject(cause: unknown): void }>();
  const commits: Commit[] = [];
  const anchored: CommittedHead[] = [];
  const { promise: died, resolve: die } = Promise.withResolvers<unknown>();
  let cause: { readonly error: unknown } | undefined;
  const events = {
    committed: (commit: Commit) => {
      commits.push(commit);
      for (const { id } of commit.results) waiting.get(id)?.resolve(commit);
    },
    anchored: (head: CommittedHead) => void anchored.push(head),
    indexed: () => undefined,
    diskFull: (ids: readonly number[], full: unknown) => {
      for (const id of ids) waiting.get(id)?.reject(full);
    },
    fatal: (error: unknown) => {
      cause = { error };
      for (const each of waiting.values()) each.reject(error);
      die(error);
    },
  };
  const { writer } = await Writer.open(paths, opened.keys, opened.recovered, events, {
    clocks: { wall, monotonic },
    bootId: 'test',
    anchor: new CheckpointAnchor(lock, opened.recovered.identity, opened.standing),
    journal,
    sealLimits: { afterMs: NEVER, idleMs: NEVER, leavesMax: NEVER, ...sealLimits },
    onStep: options.onStep,
    rootAt: options.rootAt ?? (() => Promise.reject(new Error('nobody keeps roots here'))),
  });
  const running = writer.run();
  let id = 0;
  const send = (request: AppendRequest): Promise<Commit> => {
    const { promise, resolve, reject } = Promise.withResolvers<Commit>();
    waiting.set(++id, { resolve, reject });
    writer.append(id, request);
    return promise;
  };
  return {
    opened,
    writer,
    commits,
    anchored,
    append: (list, requestTag) => send({ events: batchOf(list), requestTag }),
    appendRecord: (record) => send({ events: batchOf([]), record }),
    rotate: (keys) => writer.rotate(keys),
    died,
    close: async () => {
      writer.close();
      await running;
      if (cause !== undefined) throw cause.error;
    },
  };
}
