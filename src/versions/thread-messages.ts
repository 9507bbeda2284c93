import type { Json } from '../kernel/canonical-json.ts';
import type { Damage, VersionRecord, Versions } from './ports.ts';
import type { VersionLimits } from './store.ts';
import type { VersionsErrorDetails } from './versions-error.ts';

export interface VersionsThreadOptions {
  readonly dataDir: string;
  readonly limits: VersionLimits;
}

/** What the thread does when asked: contents come in and go out, and followers are told, on the main thread. */
export type ThreadCalls = Omit<Versions, 'stage' | 'drop' | 'watch' | 'damages'>;

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
