/**
 * What sees a detection from outside, a process of its own: polls /metrics on one connection until the latched gauge reads 1, and says
 * when that was on CLOCK_MONOTONIC. A thread beside it, which only sleeps and looks at the clock, says for how long the machine held it up.
 */
import { Agent, get } from 'node:http';
import { createInterface } from 'node:readline';
import { setTimeout } from 'node:timers/promises';
import { isMainThread, Worker, workerData } from 'node:worker_threads';
import type { ObserverAnswer, ObserverOrder } from './messages.ts';

const GAUGE = /^proofs_ledger_tampered ([01])$/m;
/** Between two polls: /metrics takes the sidecar about a millisecond, and it shall have time for its own work. */
const POLL_PAUSE_MS = 2;
/** The calibration thread wakes this often. */
const TICK_MS = 5;

/** Sleeps, looks at the clock and keeps the longest that it overslept, in microseconds, where the other thread reads it. */
function calibrate(longestUs: Int32Array): void {
  const sleeper = new Int32Array(new SharedArrayBuffer(4));
  for (let last = performance.now(); ;) {
    Atomics.wait(sleeper, 0, 0, TICK_MS);
    const now = performance.now();
    const overslept = Math.round((now - last - TICK_MS) * 1000);
    if (overslept > Atomics.load(longestUs, 0)) Atomics.store(longestUs, 0, overslept);
    last = now;
  }
}

function readGauge(agent: Agent, url: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const asking = get(`${url}/metrics`, { agent }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.once('error', reject).once('end', () => {
        const match = GAUGE.exec(text);
        if (match === null) reject(new Error('/metrics has no proofs_ledger_tampered'));
        else resolve(match[1] === '1');
      });
    });
    asking.once('error', reject);
  });
}

async function observe(): Promise<void> {
  const longestUs = new Int32Array(new SharedArrayBuffer(4));
  const thread = new Worker(new URL(import.meta.url), { workerData: longestUs });
  const say = (answer: ObserverAnswer): void => void process.stdout.write(`${JSON.stringify(answer)}\n`);
  let watching: AbortController | undefined;

  const poll = async (url: string, signal: AbortSignal): Promise<void> => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    try {
      let isReady = false;
      while (!signal.aborted) {
        const isTampered = await readGauge(agent, url);
        if (signal.aborted) return;
        if (isTampered) {
          say({ seenNs: String(process.hrtime.bigint()) });
          return;
        }
        if (!isReady) say({ isReady: true });
        isReady = true;
        await setTimeout(POLL_PAUSE_MS);
      }
    } catch (error) {
      if (!signal.aborted) say({ failed: error instanceof Error ? error.message : String(error) });
    } finally {
      agent.destroy();
    }
  };

  for await (const line of createInterface({ input: process.stdin })) {
    const order = JSON.parse(line) as ObserverOrder;
    watching?.abort();
    if (order.watch === undefined) {
      say({ stallMs: Atomics.load(longestUs, 0) / 1000 });
      continue;
    }
    Atomics.store(longestUs, 0, 0);
    watching = new AbortController();
    void poll(order.watch, watching.signal);
  }
  watching?.abort();
  await thread.terminate();
}

if (isMainThread) await observe();
else calibrate(workerData as Int32Array);
