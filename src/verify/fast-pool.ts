import { Worker } from 'node:worker_threads';
import { Sha256Lanes } from '../kernel/sha256-lanes.ts';
import type { FastThreadOptions, FromFastThread } from './fast-thread.ts';
import type { SegmentChecker, SegmentJob } from './segment-job.ts';
import type { SegmentSummary } from './segment-summary.ts';

/** A thread starts and warms up in the time in which the careful walk reads about one segment. */
const SEGMENTS_MIN = 4;
/** Main memory feeds no more, and each holds a segment of up to 49 MiB. */
const THREADS_MAX = 16;

interface Waiting {
  readonly job: SegmentJob;
  readonly resolve: (summary: SegmentSummary | undefined) => void;
}

interface Thread {
  readonly worker: Worker;
  running: Waiting | undefined;
}

/**
 * Threads that check segments by themselves (fast-segment.ts), started with the first job. Nothing here ever fails a verification:
 * a job whose thread dies is answered with undefined, as one in doubt is, and the careful walk takes it.
 */
export class SegmentPool implements SegmentChecker, AsyncDisposable {
  readonly segmentsMin = SEGMENTS_MIN;
  readonly #options: FastThreadOptions;
  readonly #size: number;
  #threads: Thread[] | undefined;
  readonly #waiting: Waiting[] = [];

  constructor(dataDir: string, threads: number) {
    this.#options = { dataDir };
    this.#size = Math.min(threads, THREADS_MAX);
  }

  /** One for each thread, and one more for whoever is ready first. */
  get jobsMax(): number {
    return this.#size + 1;
  }

  check(job: SegmentJob): Promise<SegmentSummary | undefined> {
    this.#threads ??= Sha256Lanes.isSupported() ? Array.from({ length: this.#size }, () => this.#start()) : [];
    return new Promise((resolve) => {
      this.#waiting.push({ job, resolve });
      this.#dispatch();
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all((this.#threads ?? []).map(({ worker }) => worker.terminate()));
  }

  #start(): Thread {
    const url = new URL(import.meta.url.endsWith('.js') ? './fast-thread.js' : './fast-thread.ts', import.meta.url);
    const thread: Thread = { worker: new Worker(url, { workerData: this.#options }), running: undefined };
    thread.worker.on('message', (summary: FromFastThread) => this.#answer(thread, summary));
    // Its exit follows, and answers for it.
    thread.worker.on('error', () => undefined);
    thread.worker.on('exit', () => this.#end(thread));
    return thread;
  }

  #dispatch(): void {
    const threads = this.#threads ?? [];
    if (threads.length === 0) for (const { resolve } of this.#waiting.splice(0)) resolve(undefined);
    for (const thread of threads) {
      if (thread.running !== undefined) continue;
      thread.running = this.#waiting.shift();
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker thread has no origin
      if (thread.running !== undefined) thread.worker.postMessage(thread.running.job);
    }
  }

  #answer(thread: Thread, summary: SegmentSummary | undefined): void {
    thread.running?.resolve(summary);
    thread.running = undefined;
    this.#dispatch();
  }

  #end(thread: Thread): void {
    this.#threads = this.#threads?.filter((other) => other !== thread);
    this.#answer(thread, undefined);
  }
}
