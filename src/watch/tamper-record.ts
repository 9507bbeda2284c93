import type { Detection, DetectionKind, TimedDetection } from '../kernel/detection.ts';
import type { Json } from '../kernel/canonical-json.ts';

/** The same kind on the same file is written down this often at most: an attack that goes on must not fill the disk with its evidence. */
const REPEAT_MS_MIN = 1_000;
/** Evidence entries until the next start; the rest is counted. */
const ENTRIES_MAX = 100;
/** Findings kept for /ledger/status: the first ones, which tell how it began. */
const FINDINGS_KEPT = 20;
/** Files and kinds whose last entry is remembered; beyond it they count as repeated. */
const PAIRS_MAX = 10_000;

/** What was found since the start: the latch, the first findings, and which of them still have to be written down. Pure. */
export class TamperRecord {
  readonly findings: TimedDetection[] = [];
  readonly byKind = new Map<DetectionKind, number>();
  total = 0;
  /** Entries that `add` has asked for. */
  entries = 0;
  readonly #lastMs = new Map<string, number>();

  /** Latched: only a start, which checks the ledger first, takes it back. */
  get isTampered(): boolean {
    return this.total > 0;
  }

  /** Takes a finding in; true when it is to be logged and written to the ledger, false when it is only counted. */
  add(detection: Detection, nowMs: number, timeNs: bigint): boolean {
    this.total++;
    this.byKind.set(detection.kind, (this.byKind.get(detection.kind) ?? 0) + 1);
    if (this.findings.length < FINDINGS_KEPT) this.findings.push({ ...detection, timeNs });
    const pair = `${detection.kind} ${detection.file}`;
    const last = this.#lastMs.get(pair);
    if (this.entries >= ENTRIES_MAX || (last !== undefined && nowMs - last < REPEAT_MS_MIN)) return false;
    if (last === undefined && this.#lastMs.size >= PAIRS_MAX) return false;
    this.#lastMs.set(pair, nowMs);
    this.entries++;
    return true;
  }
}

/** Longer evidence is cut: an entry is for reading. */
const EVIDENCE_CHARS_MAX = 2_000;

/** Payload of a tamper leaf, docs/formats/ledger.md. */
export function tamperPayload({ detectedNs, evidence, file, kind, seqs, bytes }: Detection): Json {
  return {
    detectedNs: String(detectedNs),
    evidence: evidence.slice(0, EVIDENCE_CHARS_MAX),
    file,
    kind,
    seqFirst: seqs?.first ?? null,
    seqLast: seqs?.last ?? null,
    byteFirst: bytes?.first ?? null,
    byteLast: bytes?.last ?? null,
  };
}
