import { Worker } from 'node:worker_threads';
import type { TimelineInput } from './timeline-input.ts';
import { renderTimeline } from './timeline/render-timeline.ts';

/** Up to this many characters the page costs less than starting a thread; a full bundle would hold up every request for a second. */
const INLINE_CHARS_MAX = 256 * 1024;

/** The timeline page, without keeping the event loop from its work. */
export async function renderPage(input: TimelineInput): Promise<string> {
  if (input.eventsNdjson.length <= INLINE_CHARS_MAX) return renderTimeline(input);
  const file = import.meta.url.endsWith('.js') ? './timeline-thread.js' : './timeline-thread.ts';
  const worker = new Worker(new URL(file, import.meta.url), { workerData: input });
  try {
    return await new Promise<string>((resolve, reject) => {
      worker.once('message', (page: string) => resolve(page));
      worker.once('error', reject);
      worker.once('exit', (code) => reject(new Error(`the thread that draws the timeline ended with ${code}`)));
    });
  } finally {
    await worker.terminate();
  }
}
