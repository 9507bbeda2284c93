import { LEAF_MAC_BYTES } from '../kernel/leaf.ts';
import type { FastSegment, SegmentTask } from './fast-segment.ts';
import type { LedgerFiles } from './ledger-files.ts';
import type { SegmentSummary } from './segment-summary.ts';
import { SEGMENT_BYTES_MAX } from './segment-window.ts';

/** A segment to be checked by itself: its file, and the one before it, whose last MAC the first leaf goes on from. */
export interface SegmentJob {
  readonly name: string;
  readonly nameBefore: string | undefined;
  readonly task: Omit<SegmentTask, 'previousMac'>;
}

/** Whoever checks segments by themselves: threads (fast-pool.ts), or a test in its own. */
export interface SegmentChecker {
  /** Jobs worth having on their way. */
  readonly jobsMax: number;
  /** Ledgers of fewer segments are walked carefully before the first answer would be there. */
  readonly segmentsMin: number;
  /** Undefined: nothing can be said, whatever the reason. Never rejects. */
  check(job: SegmentJob): Promise<SegmentSummary | undefined>;
}

/** Reads what the job names and checks it. Throws VerifyError when a file cannot be read. */
export function checkSegmentJob(files: LedgerFiles, segment: FastSegment, job: SegmentJob): SegmentSummary | undefined {
  const previousMac = job.nameBefore === undefined ? new Uint8Array(LEAF_MAC_BYTES) : lastMac(files, job.nameBefore);
  const source = files.openSegment(job.name);
  try {
    if (source.bytes > SEGMENT_BYTES_MAX) return undefined;
    const bytes = source.read(segment.target.subarray(0, source.bytes), 0);
    return segment.check({ ...job.task, previousMac }, bytes);
  } finally {
    source.close();
  }
}

function lastMac(files: LedgerFiles, name: string): Uint8Array {
  const mac = new Uint8Array(LEAF_MAC_BYTES);
  const source = files.openSegment(name);
  try {
    source.read(mac, Math.max(0, source.bytes - LEAF_MAC_BYTES));
  } finally {
    source.close();
  }
  return mac;
}
