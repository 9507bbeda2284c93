import { benchSidecar, ndjsonBody } from './measure.ts';
import { runOpenLoop, type OpenLoopResult } from './open-loop.ts';

const EVENT_BYTES = 200;
/** Enough that none waits for a free one as long as answers take less than 40 ms at 5,000 a second. */
const CONNECTIONS = 200;
const WARM_UP_S = 3;

export interface SingleResult extends OpenLoopResult {
  readonly eventsPerS: number;
  readonly seconds: number;
  /** Processor time over the whole run, warming up included. */
  readonly sidecarCores: number;
}

/** One event a request at a fixed rate, each answered after its fdatasync; late requests counted from when they were due. */
export async function benchSingleEvents(eventsPerS: number, seconds: number): Promise<SingleResult> {
  await using sidecar = await benchSidecar();
  const [cpuBefore, startMs] = [sidecar.cpuSeconds(), performance.now()];
  const result = await runOpenLoop({
    url: sidecar.url,
    path: '/events',
    contentType: 'application/json',
    body: ndjsonBody(1, EVENT_BYTES).trim(),
    ratePerS: eventsPerS,
    connections: CONNECTIONS,
    warmUpSeconds: WARM_UP_S,
    seconds,
  });
  const elapsed = (performance.now() - startMs) / 1000;
  return { eventsPerS, seconds, ...result, sidecarCores: Number(((sidecar.cpuSeconds() - cpuBefore) / elapsed).toFixed(2)) };
}
