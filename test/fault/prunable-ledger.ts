import { join } from 'node:path';
import { makeLedger, START_NS, writeLedger } from '../support/make-ledger.ts';
import type { CaseFolder } from './case-folder.ts';
import { newBatch, type SentBatch } from './producer.ts';

/** docs/formats/ledger.md: a segment takes no further leaf at this many. */
const SEGMENT_LEAVES = 65_536;
/** Requests of one segment: as many events each as one POST may hold, at most. */
const REQUESTS_PER_SEGMENT = 8;

/**
 * Three full segments of January 2026 and the beginning of a fourth, sealed: far older than any retention in days. Requests end where
 * segments do. Those of the second and third are answered as if nobody knew their fate: whole or gone are both right.
 */
export function makePrunableLedger(folder: CaseFolder): SentBatch[] {
  const batches: SentBatch[] = [];
  let seq = 1;
  for (let segment = 0; segment < 3; segment++) {
    for (let request = 0; request < REQUESTS_PER_SEGMENT; request++) {
      const events = SEGMENT_LEAVES / REQUESTS_PER_SEGMENT - (seq === 1 ? 1 : 0);
      const batch = { ...newBatch(`s${segment}r${request}`, events), key: undefined };
      batches.push(segment === 0 ? { ...batch, answer: { first: seq, last: seq + events - 1 } } : batch);
      seq += events;
    }
  }
  const last = { ...newBatch('last', 4), key: undefined, answer: { first: seq, last: seq + 3 } };
  batches.push(last);
  const requests = batches.map(({ messages }, index) => ({
    timeNs: START_NS + BigInt(index) * 1_000_000n,
    leaves: messages.map((message) => ({ payload: { level: 'info', message } })),
  }));
  const seal = { timeNs: START_NS + 1_000_000_000n, seal: { final: true } };
  writeLedger(
    makeLedger({ epochPolicy: 'seal/v1', requests: [...requests, seal], requestsPerCommit: requests.length }).files,
    folder.dataDir,
  );
  return batches;
}

/** What retention removes of it: never the first segment, never the one that takes leaves. */
const PRUNABLE_SEGMENTS: readonly string[] = [1, 2].map((index) => `${String(index * SEGMENT_LEAVES).padStart(20, '0')}.seg`);

export function prunableFiles({ dataDir }: CaseFolder): string[] {
  return PRUNABLE_SEGMENTS.map((name) => join(dataDir, 'ledger', 'segments', name));
}
