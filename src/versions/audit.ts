import type { Json } from '../kernel/canonical-json.ts';

/** What is asked of an artifact. */
export type Action = 'put' | 'rollback' | 'revert' | 'confirm' | 'hold' | 'release' | 'legal-hold' | 'legal-release' | 'pin' | 'unpin';

/** `attempted`: the change begins. `failed`: it did not happen, for a fault of ours. `refused`: nothing was attempted, for the reason in `code`. */
export type Outcome = 'attempted' | 'done' | 'refused' | 'failed';

/** What an entry says of what is asked, whatever becomes of it (docs/formats/ledger.md, version-change). */
export interface Asked {
  readonly action: Action;
  readonly name: string;
  readonly actor?: string | undefined;
  readonly reason?: string | undefined;
  /** The head before. */
  readonly from?: { readonly version: number; readonly sha256: string } | undefined;
  /** The head that it leads to; the version of a pin. */
  readonly to?: { readonly version?: number; readonly sha256: string; readonly bytes?: number } | undefined;
  /** Whose content a rollback puts back. */
  readonly restores?: number | undefined;
}

/** Ties an attempt to its outcome. */
export interface Ended {
  readonly attempt?: string | undefined;
  readonly outcome: Outcome;
  /** Error code of what was refused or failed. */
  readonly code?: string | undefined;
  readonly detail?: string | undefined;
  /** The process ended in between, and this says what the disk showed at the next start. */
  readonly recovered?: true | undefined;
}

/** Where entries go. Resolves when the entry is durable; rejects with the ledger's error. */
export interface VersionAudit {
  record(entry: Json): Promise<void>;
}

/** A detail may quote what a client sent. */
const DETAIL_CHARS_MAX = 500;

export function toEntry(asked: Asked, { detail, ...ended }: Ended): Json {
  return { ...asked, ...ended, detail: detail?.slice(0, DETAIL_CHARS_MAX) };
}
