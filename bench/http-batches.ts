import { Agent, request } from 'node:http';
import type { CountedBatch } from './counted-batch.ts';

export interface HttpBatchesOptions {
  readonly url: string;
  readonly contentType: string;
  readonly connections: number;
  readonly seconds: number;
  /** One for each connection. */
  readonly newBatch: () => CountedBatch;
}

export interface HttpBatchesResult {
  readonly entries: number;
  readonly entriesPerS: number;
  readonly batchP50Ms: number;
  readonly batchP99Ms: number;
}

/** Each connection posts one batch after the other; an answer that is no success ends the run. */
export async function postBatches({ url, contentType, connections, seconds, newBatch }: HttpBatchesOptions): Promise<HttpBatchesResult> {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const latencyMs: number[] = [];
  let entries = 0;
  let nextCounter = 0;
  const startMs = performance.now();
  const client = async (): Promise<void> => {
    const batch = newBatch();
    while (performance.now() - startMs < seconds * 1000) {
      batch.renew(nextCounter);
      nextCounter += batch.entries;
      const sentMs = performance.now();
      await post(agent, url, contentType, batch.bytes);
      latencyMs.push(performance.now() - sentMs);
      entries += batch.entries;
    }
  };
  try {
    await Promise.all(Array.from({ length: connections }, client));
  } finally {
    agent.destroy();
  }
  const elapsed = (performance.now() - startMs) / 1000;
  latencyMs.sort((a, b) => a - b);
  const quantile = (share: number): number => Number(latencyMs[Math.floor(latencyMs.length * share)].toFixed(1));
  return { entries, entriesPerS: Math.round(entries / elapsed), batchP50Ms: quantile(0.5), batchP99Ms: quantile(0.99) };
}

function post(agent: Agent, url: string, contentType: string, body: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': contentType, 'content-length': body.length };
    const sending = request(url, { method: 'POST', agent, headers }, (response) => {
      const status = response.statusCode ?? 0;
      response.once('error', reject).once('end', () => {
        if (status >= 200 && status <= 299) resolve();
        else reject(new Error(`${url} answered ${status}`));
      });
      response.resume();
    });
    sending.once('error', reject).end(body);
  });
}
