import { toHex } from '../kernel/bytes.ts';
import { leafTypeName } from '../kernel/leaf.ts';
import type { Finding } from './finding.ts';
import type { SignaturesFollowed } from './signature-check.ts';
import type { Verdict } from './verdict.ts';

export interface LedgerFacts {
  readonly origin: string | null;
  readonly ledgerId: string | null;
  readonly verifierKey: string | null;
  /** Leaves read, sound or damaged. */
  readonly size: number;
  /** Hex; null when leaves are missing between others. */
  readonly root: string | null;
  readonly leavesByType: Readonly<Record<string, number>>;
  readonly segments: number;
  /** Leaves that retention removed. */
  readonly pruned: number;
  /** How many leaves' MACs were checked, or why none. */
  readonly macsChecked: number | string;
  /** Leaves that the signed checkpoint covers; null without a good one. */
  readonly checkpointSize: number | null;
  readonly watermark: { readonly generation: number; readonly size: number; readonly slotsGood: number } | null;
  /** The running epoch, and how many leaves lie in sealed ones; null when the ledger does not seal. */
  readonly epochs: { readonly running: number; readonly sealedLeaves: number } | null;
  /** The last leaf is the seal of a stop in good order. */
  readonly isFinallySealed: boolean;
  /** How far the checkpoint's signatures could be followed; null without a signed checkpoint. */
  readonly signatures: SignaturesFollowed | null;
  /** Trusted witnesses that cosigned a checkpoint of this ledger. */
  readonly witnesses: readonly string[];
  readonly anchoredTo: number | null;
  readonly isBeingWritten: boolean;
  /** RFC 3339 with nanoseconds; null without a sound leaf. */
  readonly firstTime: string | null;
  readonly lastTime: string | null;
}

export interface LedgerReport {
  readonly verdict: Verdict;
  readonly exitCode: number;
  readonly findings: readonly Finding[];
  /** More than are listed when there were very many. */
  readonly findingsTotal: number;
  readonly facts: LedgerFacts;
  /** What this run could not check, and what it would need. */
  readonly notChecked: readonly string[];
}

/** ns since 1970 → RFC 3339 in UTC with all nine digits. */
export function formatTimeNs(timeNs: bigint): string {
  const seconds = new Date(Number(timeNs / 1_000_000_000n) * 1000).toISOString().slice(0, 19);
  return `${seconds}.${String(timeNs % 1_000_000_000n).padStart(9, '0')}Z`;
}

export function namedCounts(countsByType: readonly number[]): Record<string, number> {
  const named = countsByType.map((count, type) => [leafTypeName(type) ?? `type ${type}`, count] as const);
  return Object.fromEntries(named.filter(([, count]) => count > 0));
}

export function hexOrNull(bytes: Uint8Array | undefined): string | null {
  return bytes === undefined ? null : toHex(bytes);
}
