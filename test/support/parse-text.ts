import { fromUtf8, utf8 } from '../../src/kernel/bytes.ts';
import { parseEvents, type Fault } from '../../src/ingest/parse-events.ts';

/** What became of a body, in terms a test can read. */
export interface ParsedText {
  /** Canonical payloads of the accepted events. */
  readonly payloads: readonly string[];
  readonly faults: readonly Fault[];
  readonly faultsTotal: number;
  readonly rejected: number;
}

export function parseText(
  body: string | Uint8Array,
  framing: 'json' | 'ndjson' = 'json',
  onInvalid: 'reject' | 'skip' = 'reject',
): ParsedText {
  const { batch, faults, faultsTotal, rejected } = parseEvents(typeof body === 'string' ? utf8(body) : body, framing, { onInvalid });
  const payloads = Array.from(batch.ends, (end, i) => fromUtf8(batch.payloads.subarray(i === 0 ? 0 : batch.ends[i - 1], end)));
  return { payloads, faults, faultsTotal, rejected };
}

/** `line: field` of each fault, sorted. */
export function faultPaths(faults: readonly { readonly line: number; readonly field: string }[]): readonly string[] {
  return [...new Set(faults.map(({ line, field }) => `${line}: ${field}`))].sort();
}
