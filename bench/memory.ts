import autocannon from 'autocannon';
import { setTimeout } from 'node:timers/promises';
import { benchSidecar, ndjsonBody, type BenchSidecar } from './measure.ts';

const EVENT_BYTES = 200;
const BATCH_EVENTS = 1000;
const CONNECTIONS = 8;
const MILLION = 1_000_000;
/** Before this Node is still growing its heap to its working size. */
const SETTLED_MILLIONS = 2;

export interface MemorySample {
  readonly millionEntries: number;
  readonly rssMiB: number;
  readonly heapUsedMiB: number;
  readonly externalMiB: number;
}

export interface MemoryResult {
  readonly seconds: number;
  readonly samples: readonly MemorySample[];
  /** Slope of a straight line through the samples from 2 million entries on, MiB of RSS per million entries. */
  readonly rssMiBPerMillion: number;
  /** Half a minute after the last entry, when the garbage of the load has mostly gone. */
  readonly afterwards: MemorySample;
}

const REST_MS = 30_000;

/** What the sidecar keeps in memory while its ledger grows: sampled after every million entries of full-rate HTTP ingest. */
export async function benchMemory(millions: number): Promise<MemoryResult> {
  await using sidecar = await benchSidecar();
  const startMs = performance.now();
  const samples: MemorySample[] = [];
  while (samples.length < millions) {
    const { non2xx, errors } = await autocannon({
      url: `${sidecar.url}/events`,
      connections: CONNECTIONS,
      amount: MILLION / BATCH_EVENTS,
      method: 'POST',
      headers: { 'content-type': 'application/x-ndjson' },
      body: ndjsonBody(BATCH_EVENTS, EVENT_BYTES),
    });
    if (non2xx + errors > 0) throw new Error(`${non2xx + errors} batches were not stored`);
    samples.push(await sample(sidecar));
  }
  const seconds = (performance.now() - startMs) / 1000;
  await setTimeout(REST_MS);
  const afterwards = await sample(sidecar);
  const settled = samples.filter(({ millionEntries }) => millionEntries >= SETTLED_MILLIONS);
  return { seconds, samples, rssMiBPerMillion: slope(settled), afterwards };
}

async function sample(sidecar: BenchSidecar): Promise<MemorySample> {
  const size = await sidecar.size();
  const metrics = await (await fetch(`${sidecar.url}/metrics`)).text();
  const mib = (bytes: number): number => Number((bytes / 2 ** 20).toFixed(1));
  const gauge = (name: string): number => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(metrics)?.[1]);
  return {
    millionEntries: Number((size / MILLION).toFixed(2)),
    rssMiB: mib(sidecar.rss()),
    heapUsedMiB: mib(gauge('proofs_nodejs_heap_size_used_bytes')),
    externalMiB: mib(gauge('proofs_nodejs_external_memory_bytes')),
  };
}

/** Least squares. */
function slope(samples: readonly MemorySample[]): number {
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  const meanX = mean(samples.map(({ millionEntries }) => millionEntries));
  const meanY = mean(samples.map(({ rssMiB }) => rssMiB));
  const covariance = samples.reduce((sum, { millionEntries: x, rssMiB: y }) => sum + (x - meanX) * (y - meanY), 0);
  const variance = samples.reduce((sum, { millionEntries: x }) => sum + (x - meanX) ** 2, 0);
  return Number((covariance / variance).toFixed(2));
}
