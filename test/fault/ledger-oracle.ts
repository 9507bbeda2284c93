import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { keyDigest, type SentBatch } from './producer.ts';

/**
 * A second reader of the segments, from docs/formats/ledger.md alone and sharing no code with the product: it walks the frames
 * and compares them with what the producers know. MACs, roots and signatures are the offline verifier's business.
 */
export interface StoredRequest {
  readonly first: number;
  readonly last: number;
  /** SHA-256 of the Idempotency-Key, hex. */
  readonly key: string | undefined;
  /** Messages of its event leaves. */
  readonly messages: readonly string[];
}

interface RawLeaf {
  readonly seq: number;
  readonly isLast: boolean;
  readonly isEvent: boolean;
  readonly key: string | undefined;
  readonly payload: Buffer;
}

/** All requests of the ledger below `dataDir` in order. Throws at the first thing that is not as the format says. */
export function readRequests(dataDir: string): StoredRequest[] {
  const requests: StoredRequest[] = [];
  let messages: string[] = [];
  let first: RawLeaf | undefined;
  for (const leaf of readLeaves(join(dataDir, 'ledger'))) {
    first ??= leaf;
    if (leaf.isEvent) messages.push((JSON.parse(leaf.payload.toString('utf8')) as { message: string }).message);
    if (!leaf.isLast) continue;
    requests.push({ first: first.seq, last: leaf.seq, key: first.key, messages });
    first = undefined;
    messages = [];
  }
  if (first !== undefined) throw new Error(`half a request at the end, from entry ${first.seq} on`);
  return requests;
}

function* readLeaves(ledger: string): Generator<RawLeaf> {
  const directory = join(ledger, 'segments');
  let seq = 0;
  for (const name of readdirSync(directory).toSorted()) {
    seq = afterPruned(ledger, seq);
    if (name !== `${String(seq).padStart(20, '0')}.seg`) throw new Error(`segment "${name}" where entry ${seq} was due`);
    const file = readFileSync(join(directory, name));
    for (let at = 0; at < file.length; seq++) {
      const bytes = at + 2 <= file.length ? file.readUInt16BE(at) : Infinity;
      if (at + 2 + bytes > file.length) throw new Error(`"${name}" ends inside entry ${seq}`);
      const leaf = toLeaf(file.subarray(at + 2, at + 2 + bytes));
      if (leaf.seq !== seq) throw new Error(`"${name}": entry ${leaf.seq} where ${seq} was due`);
      yield leaf;
      at += 2 + bytes;
    }
  }
}

/** Past the segments that retention removed: of each its index file is left, which says how many leaves it had (u32 at offset 16). */
function afterPruned(ledger: string, seq: number): number {
  let next = seq;
  for (;;) {
    const name = String(next).padStart(20, '0');
    const index = join(ledger, 'pruned', `${name}.idx`);
    if (existsSync(join(ledger, 'segments', `${name}.seg`)) || !existsSync(index)) return next;
    next += readFileSync(index).readUInt32BE(16);
  }
}

function toLeaf(leaf: Buffer): RawLeaf {
  const flags = leaf.readUInt16BE(2);
  const hasTag = (flags & 4) !== 0;
  return {
    seq: Number(leaf.readBigUInt64BE(4)),
    isLast: (flags & 1) !== 0,
    isEvent: leaf[1] === 2,
    key: hasTag ? leaf.toString('hex', 24, 56) : undefined,
    payload: leaf.subarray(hasTag ? 88 : 24, leaf.length - 32),
  };
}

/**
 * What is wrong between what was sent and what is stored: each answered batch once, whole, in order, at the counters that were
 * answered; each unanswered one whole or not at all; nothing else. Empty when all is well.
 */
export function compareWithSent(requests: readonly StoredRequest[], sent: readonly SentBatch[]): string[] {
  const wrong: string[] = [];
  const byMessage = new Map(sent.map((batch) => [batch.messages[0], batch]));
  const stored = new Map<SentBatch, StoredRequest>();
  for (const request of requests) {
    if (request.messages.length === 0) continue;
    const place = `entries ${request.first}–${request.last}`;
    const batch = byMessage.get(request.messages[0]);
    if (batch === undefined) {
      wrong.push(`${place}: nobody sent "${request.messages[0]}" as the first event of a request`);
      continue;
    }
    if (stored.has(batch)) wrong.push(`${place}: "${batch.messages[0]}" is stored twice`);
    stored.set(batch, request);
    const isWhole =
      request.messages.length === batch.messages.length && request.messages.every((message, i) => message === batch.messages[i]);
    if (!isWhole) wrong.push(`${place}: ${request.messages.length} events of a request of ${batch.messages.length}, or in another order`);
    if (request.last - request.first + 1 !== request.messages.length) wrong.push(`${place}: foreign entries inside a request`);
    if (request.key !== (batch.key === undefined ? undefined : keyDigest(batch.key)))
      wrong.push(`${place}: not the Idempotency-Key it was sent with`);
  }
  for (const batch of sent) {
    const request = stored.get(batch);
    if (batch.answer === undefined) continue;
    if (request === undefined) wrong.push(`"${batch.messages[0]}": acknowledged at ${batch.answer.first}–${batch.answer.last}, but lost`);
    else if (request.first !== batch.answer.first || request.last !== batch.answer.last) {
      wrong.push(
        `"${batch.messages[0]}": acknowledged at ${batch.answer.first}–${batch.answer.last}, stands at ${request.first}–${request.last}`,
      );
    }
  }
  return wrong;
}
