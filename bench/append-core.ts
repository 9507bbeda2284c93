import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { EventBatch } from '../src/kernel/event-batch.ts';
import { parseEvents } from '../src/ingest/parse-events.ts';
import { ndjsonBody } from './measure.ts';

const BATCH_EVENTS = 1000;
/** A multiple of what the thread writes at once, and enough that neither side waits for the other's message. */
const IN_FLIGHT = 40;
const GROUP_BYTES = 3 * 1024 * 1024;
/** The compilers need this much to settle; it is not counted. */
const WARM_UP_BATCHES = 300;

export interface AppendCore {
  readonly entries: number;
  /** Validation in one thread, leaf, MAC, tree and write in the other. */
  readonly entriesPerS: number;
  /** The second thread alone: batches that were validated before. */
  readonly stagedPerS: number;
  /** What plain writes of the same size reach, also without fdatasync. */
  readonly rawWriteBytesPerS: number;
}

/** Everything up to the write, which the kernel takes into its cache: entries a second in process. */
export async function benchAppendCore(entries: number): Promise<AppendCore> {
  const body = Buffer.from(ndjsonBody(BATCH_EVENTS, 200));
  const parse = (): EventBatch => parseEvents(body, 'ndjson', { onInvalid: 'reject' }).batch;
  const parsed = parse();
  const copy = (): EventBatch => ({ ...parsed, payloads: parsed.payloads.slice() });
  const batches = entries / BATCH_EVENTS;
  return {
    entries,
    entriesPerS: await appendPerSecond(parse, batches),
    stagedPerS: await appendPerSecond(copy, batches),
    rawWriteBytesPerS: rawWriteBytesPerSecond(entries),
  };
}

async function appendPerSecond(next: () => EventBatch, batches: number): Promise<number> {
  const worker = new Worker(new URL('./append-core-thread.ts', import.meta.url));
  const ended = new Promise<void>((resolve, reject) => {
    worker.once('error', reject);
    worker.once('exit', () => resolve());
  });
  let [sent, done, startMs] = [0, 0, 0];
  const send = (): void => {
    const events = next();
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker thread has no origin
    worker.postMessage(events, [events.payloads.buffer]);
    sent++;
  };
  const sendUpTo = (end: number): void => {
    for (let i = sent; i < end; i++) send();
  };
  await new Promise<void>((resolve) => {
    worker.on('message', (count: number) => {
      if (done < WARM_UP_BATCHES && done + count >= WARM_UP_BATCHES) startMs = performance.now();
      done += count;
      if (done === batches + WARM_UP_BATCHES) resolve();
      sendUpTo(Math.min(batches + WARM_UP_BATCHES, done + IN_FLIGHT));
    });
    sendUpTo(IN_FLIGHT);
  });
  const ms = performance.now() - startMs;
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker thread has no origin
  worker.postMessage('end');
  await ended;
  return Math.round((batches * BATCH_EVENTS * 1000) / ms);
}

/** About as many bytes as the entries make, in groups of the usual size. */
function rawWriteBytesPerSecond(entries: number): number {
  const directory = mkdtempSync(join(tmpdir(), 'proofs-bench-'));
  const fd = openSync(join(directory, 'raw'), 'w');
  const group = Buffer.alloc(GROUP_BYTES, 7);
  const groups = Math.ceil((entries * 258) / GROUP_BYTES);
  const startMs = performance.now();
  for (let i = 0; i < groups; i++) writeSync(fd, group);
  const bytesPerS = Math.round((groups * GROUP_BYTES * 1000) / (performance.now() - startMs));
  closeSync(fd);
  rmSync(directory, { recursive: true });
  return bytesPerS;
}
