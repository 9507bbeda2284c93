import autocannon from 'autocannon';
import { benchSidecar, ndjsonBody } from './measure.ts';

export interface SingleResult {
  readonly eventsPerS: number;
  readonly seconds: number;
  readonly answered: number;
  readonly not2xx: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

/** Single events at a fixed rate, waiting time of late requests counted (autocannon corrects coordinated omission). */
export async function benchSingleEvents(eventsPerS: number, seconds: number): Promise<SingleResult> {
  await using sidecar = await benchSidecar();
  const request = { method: 'POST', headers: { 'content-type': 'application/json' }, body: ndjsonBody(1, 200).trim() } as const;
  await autocannon({ url: `${sidecar.url}/events`, connections: 50, duration: 3, overallRate: eventsPerS, ...request });
  const result = await autocannon({
    url: `${sidecar.url}/events`,
    connections: 50,
    duration: seconds,
    overallRate: eventsPerS,
    ...request,
  });
  return {
    eventsPerS,
    seconds,
    answered: result['2xx'],
    not2xx: result.non2xx + result.errors,
    p50Ms: result.latency.p50,
    p99Ms: result.latency.p99,
    maxMs: result.latency.max,
  };
}
