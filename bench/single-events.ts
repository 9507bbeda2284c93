import { benchSidecar, ndjsonBody } from './measure.ts';
import { driveLoad, quantile } from './open-loop.ts';

const EVENT_BYTES = 200;
/** Enough that none waits for a free one as long as answers take less than 40 ms at 5,000 a second. */
const CONNECTIONS = 200;
/** Same load, not counted: code is compiled and connections are opened in this time. */
const WARM_UP_S = 3;

export interface SingleResult {
  readonly eventsPerS: number;
  readonly seconds: number;
  readonly sent: number;
  readonly not2xx: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  readonly maxMs: number;
  /** Of the requests due in each second: whether a bad p99 is the rule, or one disturbance. */
  readonly p99MsBySecond: readonly number[];
  /** How late the generator itself was: from the due time to the tick that took the request up. */
  readonly generatorLateP99Ms: number;
  /** Processor time over the whole run, warming up included. */
  readonly sidecarCores: number;
}

/** One event a request at a fixed rate, each answered after its fdatasync; late requests counted from when they were due. */
export async function benchSingleEvents(eventsPerS: number, seconds: number): Promise<SingleResult> {
  await using sidecar = await benchSidecar();
  const body = ndjsonBody(1, EVENT_BYTES).trim();
  const { host } = new URL(sidecar.url);
  const head = ['POST /events HTTP/1.1', `host: ${host}`, 'content-type: application/json', `content-length: ${Buffer.byteLength(body)}`];
  const text = `${head.join('\r\n')}\r\n\r\n${body}`;
  const [cpuBefore, startMs] = [sidecar.cpuSeconds(), performance.now()];
  const record = await driveLoad({
    urls: [sidecar.url],
    ratePerS: eventsPerS,
    seconds: WARM_UP_S + seconds,
    connections: CONNECTIONS,
    request: () => text,
  });
  const elapsed = (performance.now() - startMs) / 1000;
  const { dueMs, takenMs, receivedMs } = record;
  const since = (times: Float64Array, from: number, to?: number): Float64Array =>
    times
      .slice(from, to)
      .map((timeMs, i) => timeMs - dueMs[from + i])
      .sort();
  const warmUp = WARM_UP_S * eventsPerS;
  const latencyMs = since(receivedMs, warmUp);
  return {
    eventsPerS,
    seconds,
    sent: latencyMs.length,
    not2xx: record.status.subarray(warmUp).reduce((sum, status) => sum + (status < 200 || status > 299 ? 1 : 0), 0),
    p50Ms: quantile(latencyMs, 0.5),
    p99Ms: quantile(latencyMs, 0.99),
    p999Ms: quantile(latencyMs, 0.999),
    maxMs: quantile(latencyMs, 1),
    p99MsBySecond: Array.from({ length: seconds }, (_, second) => {
      const from = warmUp + second * eventsPerS;
      return quantile(since(receivedMs, from, from + eventsPerS), 0.99);
    }),
    generatorLateP99Ms: quantile(since(takenMs, warmUp), 0.99),
    sidecarCores: Number(((sidecar.cpuSeconds() - cpuBefore) / elapsed).toFixed(2)),
  };
}
