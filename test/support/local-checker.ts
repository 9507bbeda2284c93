import { FastSegment } from '../../src/verify/fast-segment.ts';
import type { LedgerFiles } from '../../src/verify/ledger-files.ts';
import { checkSegmentJob, type SegmentChecker, type SegmentJob } from '../../src/verify/segment-job.ts';
import type { SegmentSummary } from '../../src/verify/segment-summary.ts';

/** Its memory is reused: one is enough for a test file. */
const segment = new FastSegment();

/** Checks segments by themselves in this thread, however few there are, and counts what it could say. */
export class LocalChecker implements SegmentChecker {
  readonly jobsMax = 2;
  readonly segmentsMin = 1;
  readonly #files: LedgerFiles;
  asked = 0;
  answered = 0;

  constructor(files: LedgerFiles) {
    this.#files = files;
  }

  check(job: SegmentJob): Promise<SegmentSummary | undefined> {
    this.asked++;
    const summary = checkSegmentJob(this.#files, segment, job);
    if (summary !== undefined) this.answered++;
    // As from another thread.
    return Promise.resolve(structuredClone(summary));
  }
}
