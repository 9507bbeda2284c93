import type { EventBatch } from '../kernel/event-batch.ts';
import type { Json } from '../kernel/canonical-json.ts';
import type { Leaf, LeafTypeName } from '../kernel/leaf.ts';
import type { TilePath } from '../kernel/tile-path.ts';

/** What the genesis leaf says about the ledger. */
export interface LedgerIdentity {
  /** 16 bytes. */
  readonly ledgerId: Uint8Array;
  readonly origin: string;
  /** Verifier key text of the Ed25519 log key. */
  readonly verifierKey: string;
}

/** The acknowledged end of the ledger. */
export interface LedgerHead {
  /** Number of leaves. */
  readonly size: number;
  readonly root: Uint8Array;
  /** Signed checkpoint of exactly this size (C2SP note text). */
  readonly checkpoint: string;
  /** Server time of the last leaf, ns. */
  readonly lastTimeNs: bigint;
}

/** Reads what is acknowledged and nothing else. Safe beside a running writer. Throws LedgerError `io` when a file cannot be read. */
export interface LedgerReader {
  readonly identity: LedgerIdentity;
  head(): LedgerHead;
  /** Leaves [first, end) in order; `end` is clamped to the head. */
  leaves(first: number, end: number): AsyncIterable<Leaf>;
  /** Index of the first leaf whose server time is at or after `timeNs`; the head's size when there is none. */
  firstAtOrAfter(timeNs: bigint): Promise<number>;
  rootAt(size: number): Promise<Uint8Array>;
  /** RFC 9162 paths; indices and sizes must lie within the head. */
  inclusionProof(index: number, size: number): Promise<Uint8Array[]>;
  consistencyProof(oldSize: number, newSize: number): Promise<Uint8Array[]>;
  /** kernel/merkle rangeProof over the leaves [first, last] of the tree of `size` leaves. */
  rangeProof(first: number, last: number, size: number): Promise<Uint8Array[]>;
  /** C2SP tile or entry bundle; undefined when the tree does not hold it (yet). */
  tile(path: TilePath): Promise<Uint8Array | undefined>;
}

export interface Appended {
  /** Counter of the first and last leaf of the request. */
  readonly first: number;
  readonly last: number;
  /** Signed checkpoint that covers the request. */
  readonly checkpoint: string;
  /** True when the request tag was known: nothing was written now, first and last are those of the first time. */
  readonly isReplay: boolean;
}

/** One request's leaves: events, then at most one record of our own; all land or none. */
export interface AppendRequest {
  readonly events: EventBatch;
  /** 64 bytes, see docs/formats/ledger.md. */
  readonly requestTag?: Uint8Array | undefined;
  readonly record?: { readonly type: LeafTypeName; readonly payload: Json } | undefined;
}

export interface LedgerStats {
  readonly queuedBytes: number;
  readonly queuedRequests: number;
  /** Things this start found and repaired; 0 after a clean shutdown. */
  readonly recoveries: number;
  /** The last write found the disk full. */
  readonly isDiskFull: boolean;
  /** The published checkpoint file is older than the head. */
  readonly isCheckpointStale: boolean;
}

/** The ledger as the rest of the process sees it: the writer lives in a thread of its own behind this port. */
export interface Ledger extends LedgerReader {
  /**
   * Resolves once the request's leaves are durable. Rejects with LedgerError: `queue-full`, `disk-full` (nothing was
   * stored), `key-reused`, `closed`, `failed` (the writer died; the process is about to end).
   */
  append(request: AppendRequest): Promise<Appended>;
  /** Signs the checkpoint of the tree's first `size` leaves: the same bytes each time. */
  signCheckpoint(size: number): Promise<string>;
  /** DSSE and other payloads: Ed25519 with the log key. */
  sign(message: Uint8Array): Promise<Uint8Array>;
  stats(): LedgerStats;
  /** Lands what is queued, then closes. */
  close(): Promise<void>;
}
