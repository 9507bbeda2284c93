import type { Json } from '../kernel/canonical-json.ts';
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
} from './ports.ts';
import type { VersionLimits } from './store.ts';
import type { VersionsErrorDetails } from './versions-error.ts';

export interface VersionsThreadOptions {
  readonly dataDir: string;
  readonly limits: VersionLimits;
}

/** What the thread does when asked. */
export interface ThreadCalls {
  put(request: PutRequest, staged: StagedContent): Promise<Changed>;
  rollback(request: RollbackRequest): Promise<RollbackPlan>;
  confirm(name: string, caller: Caller): Promise<ArtifactSummary>;
  hold(name: string, isHeld: boolean, caller: Caller): Promise<ArtifactSummary>;
  legalHold(name: string, isHeld: boolean, caller: Caller): Promise<ArtifactSummary>;
  pin(name: string, version: number, isPinned: boolean, caller: Caller): Promise<ArtifactSummary>;
  list(after: string, limit: number): Promise<readonly ArtifactSummary[]>;
  summary(name: string): Promise<ArtifactSummary>;
  records(name: string, before: number, limit: number): Promise<readonly VersionRecord[]>;
  at(name: string, timeNs: bigint): Promise<VersionRecord>;
  open(name: string, version: number): Promise<OpenedContent>;
  diff(name: string, from: number, to: number): Promise<VersionDiff>;
  verify(name: string): Promise<VerifyReport>;
  close(): Promise<void>;
}

export type ToVersions =
  | { readonly kind: 'call'; readonly id: number; readonly method: keyof ThreadCalls; readonly args: readonly unknown[] }
  /** The entry is durable, or the ledger refused it. */
  | { readonly kind: 'recorded'; readonly id: number; readonly error?: SentError };

export type FromVersions =
  | { readonly kind: 'ready'; readonly damages: readonly Damage[] }
  | { readonly kind: 'result'; readonly id: number; readonly value: unknown }
  | { readonly kind: 'error'; readonly id: number; readonly error: SentError }
  | { readonly kind: 'record'; readonly id: number; readonly entry: Json }
  | { readonly kind: 'changed'; readonly name: string; readonly record: VersionRecord }
  | { readonly kind: 'trouble'; readonly error: SentError };

/** An error on its way between threads. */
export interface SentError {
  readonly code: string;
  readonly message: string;
  readonly details?: VersionsErrorDetails;
}
