import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { parseEvents } from '../src/ingest/parse-events.ts';
import { openLedger } from '../src/ledger/open-ledger.ts';
import { builtMain } from '../tools/built-main.ts';
import { calibrate, ndjsonBody } from './measure.ts';

const BATCH_EVENTS = 1000;
const IN_FLIGHT = 40;

export interface LogVerify {
  readonly entries: number;
  /** The whole command, from its start to its exit. */
  readonly keyedPerS: number;
  readonly publicPerS: number;
  /** Entries checked in the time of one one-shot SHA-256 of 256 bytes on one core: compares machines. */
  readonly keyedPerHash: number;
  readonly publicPerHash: number;
}

/** `log verify` of a ledger of 200-byte entries that lies in the page cache, with the root key and with the public key alone. */
export async function benchLogVerify(entries: number): Promise<LogVerify> {
  const dataDir = mkdtempSync(join(tmpdir(), 'proofs-bench-'));
  try {
    await fill(dataDir, entries);
    const { sha256PerS } = calibrate();
    const keyedPerS = await verifyPerSecond(dataDir, []);
    const publicPerS = await verifyPerSecond(dataDir, ['--public-only']);
    const perHash = (perS: number): number => Number((perS / sha256PerS).toFixed(2));
    return { entries, keyedPerS, publicPerS, keyedPerHash: perHash(keyedPerS), publicPerHash: perHash(publicPerS) };
  } finally {
    rmSync(dataDir, { recursive: true, force: true });
  }
}

async function fill(dataDir: string, entries: number): Promise<void> {
  const body = Buffer.from(ndjsonBody(BATCH_EVENTS, 200));
  const ledger = await openLedger({ dataDir });
  const inFlight = new Set<Promise<unknown>>();
  for (let done = 0; done < entries; done += BATCH_EVENTS) {
    const append = ledger
      .append({ events: parseEvents(body, 'ndjson', { onInvalid: 'reject' }).batch })
      .finally(() => inFlight.delete(append));
    inFlight.add(append);
    if (inFlight.size >= IN_FLIGHT) await Promise.race(inFlight);
  }
  await Promise.all(inFlight);
  await ledger.close();
}

async function verifyPerSecond(dataDir: string, options: readonly string[]): Promise<number> {
  const args = [builtMain(), 'log', 'verify', '--data-dir', dataDir, '--allow-unanchored', '--json', ...options];
  const startMs = performance.now();
  const { stdout } = await promisify(execFile)(process.execPath, args, { maxBuffer: 1 << 24 });
  const ms = performance.now() - startMs;
  const { verdict, facts } = JSON.parse(stdout) as { verdict: string; facts: { size: number } };
  if (verdict !== 'OK_UNANCHORED') throw new Error(`the ledger is ${verdict}`);
  return Math.round((facts.size * 1000) / ms);
}
