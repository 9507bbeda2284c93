import { parentPort, workerData } from 'node:worker_threads';
import { FastSegment } from './fast-segment.ts';
import { ledgerDirectory } from './ledger-files.ts';
import { checkSegmentJob, type SegmentJob } from './segment-job.ts';
import type { SegmentSummary } from './segment-summary.ts';

/** Runs in a thread of its own: one job after the other, each with one answer. */
export interface FastThreadOptions {
  readonly dataDir: string;
}

export type FromFastThread = SegmentSummary | undefined;

if (parentPort !== null) {
  const port = parentPort;
  const { dataDir } = workerData as FastThreadOptions;
  const files = ledgerDirectory(dataDir);
  const segment = new FastSegment();
  port.on('message', (job: SegmentJob) => {
    let answer: FromFastThread;
    try {
      answer = checkSegmentJob(files, segment, job);
    } catch {
      // A file that cannot be read is for the careful walk to report.
      answer = undefined;
    }
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker thread has no origin
    port.postMessage(answer);
  });
}
