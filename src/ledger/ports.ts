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

/**
 * The public end of the ledger. Where a checkpoint lock is configured, that is the last checkpoint which stands in the lock: while it
 * cannot be reached the head stays where it is, and everything that is read or proved stays below it, so no checkpoint is ever served
 * before its compare-and-swap succeeded. What was acknowledged since is in `Ledger.acknowledged`, without proof.
 */
export interface LedgerHead {
  /** Number of leaves. */
  readonly size: number;
  readonly root: Uint8Array;
  /** Signed checkpoint of exactly this size (C2SP note text). */
  readonly checkpoint: string;
  /** Server time of the last leaf, ns. */
  readonly lastTimeNs: bigint;
}

/** Reads what is acknowledged, up to its head and nothing beyond. Safe beside a running writer. Throws LedgerError `io` when a file cannot be read. */
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
  /** Signed checkpoint that covers the request; while the checkpoint lock cannot be reached an older one, which does not. */
  readonly checkpoint: string;
  readonly isAnchored: boolean;
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
  /** The published checkpoint file is older than the head: the disk is nearly full. */
  readonly isCheckpointStale: boolean;
  /** False while the checkpoint lock cannot be reached. */
  readonly isAnchorReachable: boolean;
  /** Acknowledged entries that no checkpoint in the lock covers yet. */
  readonly unanchoredEntries: number;
  readonly epochs: EpochStats;
}

/** How far the keys protect what was written (docs/formats/ledger.md, Epochs). */
export interface EpochStats {
  /** False until an older ledger's first start under this release has begun sealing. */
  readonly isSealing: boolean;
  readonly running: number;
  /** Entries below this stand under a seal whose key is gone from this machine (unless a root key is still there). */
  readonly sealedUpTo: number;
  /** `in force`, or `not in force: ` and why: as long as a root key lies in KEYS_DIR, whoever takes it can rewrite what was sealed. */
  readonly forwardSecurity: string;
}

/** The ledger as the rest of the process sees it: the writer lives in a thread of its own behind this port. */
export interface Ledger extends LedgerReader {
  /** The same ledger up to the last acknowledged entry, for reading entries; its head's checkpoint may be of a smaller size. */
  readonly acknowledged: LedgerReader;
  /**
   * Resolves once the request's leaves are durable. Rejects with LedgerError: `queue-full`, `disk-full` (nothing was
   * stored), `key-reused`, `closed`, `failed` (the writer died; the process is about to end).
   */
  append(request: AppendRequest): Promise<Appended>;
  /** Signs, with the log key alone, the checkpoint of the tree's first `size` leaves (at most the head's): the same bytes each time. */
  signCheckpoint(size: number): Promise<string>;
  /** DSSE and other payloads: Ed25519 with the log key. */
  sign(message: Uint8Array): Promise<Uint8Array>;
  stats(): LedgerStats;
  /** Lands what is queued, then closes. */
  close(): Promise<void>;
}
