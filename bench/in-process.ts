import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseEvents } from '../src/ingest/parse-events.ts';
import { openLedger } from '../src/ledger/open-ledger.ts';
import { ndjsonBody } from './measure.ts';

const BATCH_EVENTS = 1000;
const IN_FLIGHT = 40;

/** Validation, leaf, MAC, tree, write, fdatasync without HTTP: entries a second through the writer thread. */
export async function benchInProcess(entries: number): Promise<{ entries: number; entriesPerS: number; parsePerS: number }> {
  const dataDir = mkdtempSync(join(tmpdir(), 'proofs-bench-'));
  const body = Buffer.from(ndjsonBody(BATCH_EVENTS, 200));
  const parse = () => parseEvents(body, 'ndjson', { onInvalid: 'reject' }).batch;
  const parseStartMs = performance.now();
  for (let i = 0; i < 200; i++) parse();
  const parsePerS = Math.round((200 * BATCH_EVENTS * 1000) / (performance.now() - parseStartMs));
  const ledger = await openLedger({ dataDir });
  try {
    const inFlight = new Set<Promise<unknown>>();
    const startMs = performance.now();
    for (let i = 0; i < entries / BATCH_EVENTS; i++) {
      const append = ledger.append({ events: parse() }).finally(() => inFlight.delete(append));
      inFlight.add(append);
      if (inFlight.size >= IN_FLIGHT) await Promise.race(inFlight);
    }
    await Promise.all(inFlight);
    return { entries, entriesPerS: Math.round((entries * 1000) / (performance.now() - startMs)), parsePerS };
  } finally {
    await ledger.close();
    rmSync(dataDir, { recursive: true, force: true });
  }
}
