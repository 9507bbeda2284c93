import { parentPort, workerData } from 'node:worker_threads';
import type { TimelineInput } from './timeline-input.ts';
import { renderTimeline } from './timeline/render-timeline.ts';

/** Runs in a thread of its own: one page, then the end. */
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker's port has no origin, only browser windows do
parentPort?.postMessage(renderTimeline(workerData as TimelineInput));
