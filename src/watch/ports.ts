import type { MessagePort } from 'node:worker_threads';
import type { Detection } from '../kernel/detection.ts';

export interface WatchThreadOptions {
  readonly dataDir: string;
  readonly keysDir: string | undefined;
  /** Sets the immutable flag on sealed segments where the file system and our rights allow it. */
  readonly isImmutable: boolean;
  /** Where the writer announces its changes (ledger/port-journal.ts). */
  readonly journal: MessagePort;
}

export type ToWatch =
  /** The ledger is open: from now on only announced changes are ours. */
  | { readonly kind: 'begin' }
  /** Answer to `need-roots`; undefined when they cannot be had. */
  | { readonly kind: 'roots'; readonly first: number; readonly roots: Uint8Array | undefined }
  | { readonly kind: 'close' };

export type FromWatch =
  | { readonly kind: 'detected'; readonly detection: Detection }
  /** Changed as operators and backups change files; the content was compared and is the same. */
  | { readonly kind: 'accepted'; readonly file: string; readonly evidence: string }
  /** Block roots of leaves [first, end) of the tree, please. */
  | { readonly kind: 'need-roots'; readonly first: number; readonly end: number }
  /** Tamper records of earlier lives, met while reading. */
  | { readonly kind: 'tampers'; readonly seqs: readonly number[] }
  | ({ readonly kind: 'beat' } & WatchBeat)
  /** Something that is no finding keeps the watch from looking. */
  | { readonly kind: 'trouble'; readonly message: string };

/** Sent a few times a second. */
export interface WatchBeat {
  /** Last full reading of all sealed segments, ms; undefined before the first is done. */
  readonly cycleMs: number | undefined;
  /** CPU time of the thread since its start, ms. */
  readonly cpuMs: number;
  /** False: the file system reports no changes, findings come with the polls. */
  readonly hasEvents: boolean;
}
