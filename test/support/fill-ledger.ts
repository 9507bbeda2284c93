import type { Appended, Ledger } from '../../src/ledger/ports.ts';
import { batchOf } from './batch-of.ts';

/** As many as one POST may hold. */
const BATCH_EVENTS = 10_000;

/** Appends `count` short events, so that a segment of 65,536 leaves takes 6 MB and half a second. Answers the last request. */
export async function fillLedger(ledger: Pick<Ledger, 'append'>, count: number, requestTag?: Uint8Array): Promise<Appended> {
  const requests: Promise<Appended>[] = [];
  for (let done = 0; done < count; done += BATCH_EVENTS) {
    const events = Array.from({ length: Math.min(BATCH_EVENTS, count - done) }, (_, i) => ({ message: `${done + i}` }));
    requests.push(ledger.append({ events: batchOf(events), ...(done === 0 && requestTag !== undefined ? { requestTag } : {}) }));
  }
  const answers = await Promise.all(requests);
  return answers[answers.length - 1];
}
