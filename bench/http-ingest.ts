import autocannon from 'autocannon';
import { spawnSync } from 'node:child_process';
import { setTimeout } from 'node:timers/promises';
import { builtMain } from '../tools/built-main.ts';
import { benchSidecar, ndjsonBody } from './measure.ts';

const EVENT_BYTES = 200;
const BATCH_EVENTS = 1000;
const CONNECTIONS = 8;
const SEALED_AFTER_MS = 2000;

export interface IngestResult {
  readonly seconds: number;
  readonly entriesPerS: number;
  readonly answers: number;
  readonly not2xx: number;
  readonly batchP50Ms: number;
  readonly batchP99Ms: number;
  readonly sidecarCores: number;
  readonly rssMiB: readonly number[];
  readonly verdict: string;
}

/** Durable NDJSON ingest over HTTP, checked by `log verify` afterwards: batches of 1000 events of 200 B, eight connections, load generator on the same machine. */
export async function benchHttpIngest(seconds: number): Promise<IngestResult> {
  await using sidecar = await benchSidecar();
  const request = {
    method: 'POST',
    headers: { 'content-type': 'application/x-ndjson' },
    body: ndjsonBody(BATCH_EVENTS, EVENT_BYTES),
  } as const;
  await autocannon({ url: `${sidecar.url}/events`, connections: CONNECTIONS, duration: 3, ...request });
  const [sizeBefore, cpuBefore, startMs] = [await sidecar.size(), sidecar.cpuSeconds(), performance.now()];
  const rssMiB: number[] = [];
  const sampler = setInterval(() => rssMiB.push(Math.round(sidecar.rss() / 2 ** 20)), Math.max(1000, (seconds * 1000) / 12));
  const result = await autocannon({ url: `${sidecar.url}/events`, connections: CONNECTIONS, duration: seconds, ...request });
  clearInterval(sampler);
  const elapsed = (performance.now() - startMs) / 1000;
  const entries = (await sidecar.size()) - sizeBefore;
  const sidecarCores = (sidecar.cpuSeconds() - cpuBefore) / elapsed;
  // The running epoch is sealed a second after its first entry; from then on the ledger stands still.
  await setTimeout(SEALED_AFTER_MS);
  const verify = spawnSync(
    process.execPath,
    [builtMain(), 'log', 'verify', '--data-dir', sidecar.dataDir, '--anchor', sidecar.anchorFile(), '--json'],
    { encoding: 'utf8', maxBuffer: 2 ** 26 },
  );
  return {
    seconds: elapsed,
    entriesPerS: Math.round(entries / elapsed),
    answers: result['2xx'],
    not2xx: result.non2xx + result.errors,
    batchP50Ms: result.latency.p50,
    batchP99Ms: result.latency.p99,
    sidecarCores: Number(sidecarCores.toFixed(2)),
    rssMiB,
    verdict: (JSON.parse(verify.stdout) as { verdict: string }).verdict,
  };
}
