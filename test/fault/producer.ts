import { createHash } from 'node:crypto';

/** What one request carried, and what became of it as far as its sender knows. */
export interface SentBatch {
  readonly key: string | undefined;
  /** Unique over the whole run. */
  readonly messages: readonly string[];
  answer?: { readonly first: number; readonly last: number };
}

/** A request with a key; its messages tell where they came from. */
export function newBatch(label: string, events: number): SentBatch {
  return { key: `key-of-${label.replaceAll(' ', '-')}`, messages: Array.from({ length: events }, (_, index) => `${label}.${index}`) };
}

/** Longer than any answer of a healthy sidecar takes; a killed one resets the connection at once. */
const ANSWER_MS_MAX = 30_000;

/** A small seeded generator (mulberry32): the same seed, the same run. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** One POST. Resolves with the status and the problem code, if any; rejects when the connection broke and the fate is unknown. */
export async function post(url: string, batch: SentBatch): Promise<{ status: number; isReplay: boolean; code: string | undefined }> {
  const lines = batch.messages.map((message) => JSON.stringify({ level: 'info', message }));
  const isSingle = lines.length === 1;
  const response = await fetch(`${url}/events`, {
    method: 'POST',
    headers: {
      'content-type': isSingle ? 'application/json' : 'application/x-ndjson',
      ...(batch.key === undefined ? {} : { 'idempotency-key': batch.key }),
    },
    body: isSingle ? lines[0] : `${lines.join('\n')}\n`,
    signal: AbortSignal.timeout(ANSWER_MS_MAX),
  });
  const body = (await response.json()) as { accepted?: number; first?: number; last?: number; type?: string };
  if (response.status === 201) {
    if (body.first === undefined || body.last === undefined || body.accepted !== batch.messages.length) {
      throw new Error(`a 201 without its counters: ${JSON.stringify(body)}`);
    }
    batch.answer = { first: body.first, last: body.last };
  }
  return { status: response.status, isReplay: response.headers.get('idempotency-replayed') === 'true', code: body.type?.split(':').at(-1) };
}

/** What fetch throws when the other side is gone. */
export function isConnectionError(error: unknown): boolean {
  return error instanceof TypeError && (error.message === 'fetch failed' || error.message === 'terminated');
}

/** SHA-256 of an Idempotency-Key, hex, as it stands in the first leaf. */
export function keyDigest(key: string): string {
  return createHash('sha256').update(key).digest('hex');
}
