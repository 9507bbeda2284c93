import type { ContentId } from './patch.ts';

/** 1 to 128 letters, digits, `.`, `_`, `-` and `~`; the first is a letter or a digit. */
export const ARTIFACT_NAME = /^[A-Za-z0-9][A-Za-z0-9._~-]{0,127}$/;
/** Characters of a reason or of an actor. */
export const TEXT_CHARS_MAX = 500;

/** How a version came to be: put by a client, put back by a rollback, or put back because nobody confirmed the one before. */
export type Cause = 'put' | 'rollback' | 'revert';

/** What stands between two versions: splices, an exclusive or of all bytes, or nothing, where the whole content is smaller. */
export type BodyKind = 'splice' | 'xor' | 'full';

/** One version of an artifact, as its index keeps it for ever. Versions count from 1 without gaps. */
export interface VersionRecord extends ContentId {
  readonly version: number;
  /** RFC 3339 with milliseconds, server time; never before that of the version before. */
  readonly at: string;
  readonly cause: Cause;
  readonly kind: BodyKind;
  /** Bytes of the patch between the version before and this one; 0 for `full`. */
  readonly patchBytes: number;
  readonly actor?: string;
  readonly reason?: string;
  /** Whose content a rollback or a revert put back. */
  readonly restores?: number;
}

export interface ArtifactSummary {
  readonly name: string;
  readonly head: VersionRecord;
  /** Versions below this are records only: retention removed their contents. */
  readonly oldest: number;
  /** Why every PUT is refused, while there is a hold. */
  readonly hold?: { readonly reason: string; readonly since: string; readonly actor?: string };
  /** Why retention removes nothing of this artifact. */
  readonly legalHold?: { readonly reason: string; readonly since: string; readonly actor?: string };
  /** Versions that retention never removes. */
  readonly pins: readonly number[];
  /** While the head waits to be confirmed: when it is reverted otherwise, and to which version. */
  readonly confirm?: { readonly before: string; readonly revertsTo: number };
}

/** Who asks, and why. Both become part of the version and of the ledger. */
export interface Caller {
  readonly actor?: string | undefined;
  readonly reason?: string | undefined;
}

/** `none`: there must be no such artifact yet. Otherwise the ETag of the head: version and hash. */
export type Precondition = 'none' | { readonly version: number; readonly sha256: string };

export interface PutRequest extends Caller {
  readonly name: string;
  /** Undefined: `precondition-required`, once it is known that nothing else is wrong. */
  readonly precondition: Precondition | undefined;
  readonly idempotencyKey?: string | undefined;
  /** Seconds in which the new head must be confirmed; otherwise the version before comes back. */
  readonly confirmWithinS?: number | undefined;
}

export interface RollbackRequest extends Caller {
  readonly name: string;
  /** A version, or a time (ns since 1970): the version that was head then. */
  readonly to: number | { readonly timeNs: bigint };
  readonly reason: string;
  /** A dry run needs none. */
  readonly precondition: Precondition | undefined;
  readonly isDryRun: boolean;
  /** Refuses later PUTs until the hold is released. */
  readonly hold: boolean;
  readonly confirmWithinS?: number | undefined;
}

export interface Changed {
  readonly record: VersionRecord;
  /** True when the Idempotency-Key was known: nothing was stored now. */
  readonly isReplay: boolean;
}

/** What a rollback would do, or has done. */
export interface RollbackPlan {
  readonly from: { readonly version: number; readonly sha256: string };
  readonly to: { readonly version: number; readonly sha256: string; readonly bytes: number };
  /** Versions whose changes are taken back. */
  readonly steps: number;
  /** The new head; undefined for a dry run, which has made the content, found its hash to be right, and removed it. */
  readonly record?: VersionRecord;
}

/** A content that was read to its end, and whose hash was found to be right, before it was handed out. */
export interface OpenedContent extends ContentId {
  readonly record: VersionRecord;
  /** A file of the caller's own: to be removed once it is open. */
  readonly path: string;
}

export interface Damage {
  /** Path below DATA_DIR/versions. */
  readonly place: string;
  readonly what: string;
}

export interface VerifyReport {
  readonly name: string;
  readonly versions: number;
  /** Versions whose content was made and hashed. */
  readonly checked: number;
  readonly damages: readonly Damage[];
}

export type DiffFormat = 'json' | 'text' | 'binary';

export interface VersionDiff {
  readonly from: VersionRecord;
  readonly to: VersionRecord;
  readonly format: DiffFormat;
  /** True when more differs than is listed. */
  readonly isCapped: boolean;
  /** JSON: what was added, removed or replaced, by JSON Pointer (RFC 6901). */
  readonly changes?: readonly {
    readonly op: 'add' | 'remove' | 'replace';
    readonly path: string;
    readonly old?: unknown;
    readonly new?: unknown;
  }[];
  /** Text: a unified diff. */
  readonly unified?: string;
  /** Binary: ranges of either content. */
  readonly ranges?: readonly { readonly oldAt: number; readonly oldBytes: number; readonly newAt: number; readonly newBytes: number }[];
}

/** A content on its way in, written to a file of its own, durable and hashed. Whoever asked for it hands it on or drops it. */
export interface StagedContent extends ContentId {
  readonly path: string;
}

/**
 * Versioned artifacts. Every method rejects with VersionsError. A change is acknowledged when head, index, contents and its entry in the
 * ledger are durable; refused means nothing was stored but the entry that says so.
 */
export interface Versions {
  /** Takes a content in, at most as large as the settings allow: `too-large`, `disk-full`, `version-io`, or the stream's own error. */
  stage(chunks: AsyncIterable<Uint8Array>): Promise<StagedContent>;
  /** Removes a staged content that is not put. */
  drop(staged: StagedContent): Promise<void>;
  /** Takes `staged` over, whatever comes of it. */
  put(request: PutRequest, staged: StagedContent): Promise<Changed>;
  rollback(request: RollbackRequest): Promise<RollbackPlan>;
  /** Keeps the head that waits to be confirmed. */
  confirm(name: string, caller: Caller): Promise<ArtifactSummary>;
  /** Refuses later PUTs, or takes them again; `reason` is mandatory to hold. */
  hold(name: string, isHeld: boolean, caller: Caller): Promise<ArtifactSummary>;
  legalHold(name: string, isHeld: boolean, caller: Caller): Promise<ArtifactSummary>;
  pin(name: string, version: number, isPinned: boolean, caller: Caller): Promise<ArtifactSummary>;
  /** By name, ascending, after `after`. */
  list(after: string, limit: number): Promise<readonly ArtifactSummary[]>;
  summary(name: string): Promise<ArtifactSummary>;
  /** Newest first, below `before`. */
  records(name: string, before: number, limit: number): Promise<readonly VersionRecord[]>;
  /** The version that was head at the time, `not-found` when there was none yet. */
  at(name: string, timeNs: bigint): Promise<VersionRecord>;
  open(name: string, version: number): Promise<OpenedContent>;
  diff(name: string, from: number, to: number): Promise<VersionDiff>;
  /** Makes and hashes every version that retention left. */
  verify(name: string): Promise<VerifyReport>;
  /** Calls back with each new head until the returned function is called. */
  watch(name: string, changed: (record: VersionRecord) => void): () => void;
  /** Names of artifacts that cannot be used, and why: for readiness. */
  damages(): readonly Damage[];
  /** Finishes what has begun. */
  close(): Promise<void>;
}
