import type { PreparedLog } from './import-log.ts';
import type { LogSource } from './log-source.ts';
import type { Batch } from './batches.ts';
import type { LineFault, SendOutcome } from './sidecar.ts';
import type { LineFormat } from './formats.ts';

/** How far an import is; `bytes` counts the file's. */
export interface SendProgress {
  readonly bytes: number;
  readonly lines: number;
}

/** What became of one file. Every batch is there whole or not at all. */
export interface SendReport {
  readonly file: string;
  readonly format: LineFormat;
  readonly inferredYear: number | undefined;
  /** Events stored by this run. */
  readonly stored: number;
  /** Events of a dry run. */
  readonly notSent: number;
  /** Events that were there before. */
  readonly alreadyPresent: number;
  /** Of these: imported before under another file name, year or zone. */
  readonly presentOtherwise: number;
  /** Counters of the first and last entry of this file's events; undefined when none was stored or found. */
  readonly first: number | undefined;
  readonly last: number | undefined;
  readonly checkpoint: string | undefined;
  readonly end: 'complete' | 'interrupted' | 'refused';
  /** Last file line that is in the ledger. */
  readonly lastLine: number;
  readonly refusal: { readonly detail: string; readonly faults: readonly LineFault[]; readonly faultsTotal: number } | undefined;
}

/**
 * Sends batch after batch; stops after the one under way when `signal` is aborted, and before anything else when one is
 * refused. Dying anywhere leaves whole batches, which the next run finds by their keys.
 */
export async function sendLog(
  source: LogSource,
  log: PreparedLog,
  send: (batch: Batch) => Promise<SendOutcome>,
  signal: AbortSignal,
  onProgress: (progress: SendProgress) => void,
): Promise<SendReport> {
  const counts = { stored: 0, notSent: 0, alreadyPresent: 0, presentOtherwise: 0, lastLine: 0 };
  let range: Range | undefined;
  let end: SendReport['end'] = 'complete';
  let refusal: SendReport['refusal'];
  for await (const batch of log.batches) {
    const outcome: SendOutcome = signal.aborted ? { kind: 'interrupted' } : await send(batch);
    if (outcome.kind === 'interrupted' || outcome.kind === 'refused') {
      end = outcome.kind;
      if (outcome.kind === 'refused') refusal = outcome;
      break;
    }
    const lines = batch.lineNumbers.length;
    if (outcome.kind === 'stored') range = widen(range, outcome);
    if (outcome.kind === 'stored-otherwise') counts.presentOtherwise += lines;
    if (outcome.kind === 'not-sent') counts.notSent += lines;
    else if (outcome.kind === 'stored' && !outcome.isReplay) counts.stored += lines;
    else counts.alreadyPresent += lines;
    counts.lastLine = batch.lineNumbers.at(-1) ?? counts.lastLine;
    onProgress({ bytes: batch.endOffset, lines: counts.stored + counts.notSent + counts.alreadyPresent });
  }
  return {
    file: source.label,
    format: log.format,
    inferredYear: log.inferredYear,
    ...counts,
    first: range?.first,
    last: range?.last,
    checkpoint: range?.checkpoint,
    end,
    refusal,
  };
}

interface Range {
  readonly first: number;
  readonly last: number;
  readonly checkpoint: string;
}

function widen(range: Range | undefined, next: Range): Range {
  return {
    first: Math.min(range?.first ?? next.first, next.first),
    last: Math.max(range?.last ?? next.last, next.last),
    checkpoint: next.checkpoint,
  };
}
