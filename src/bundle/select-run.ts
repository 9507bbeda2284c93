import { toHex } from '../kernel/bytes.ts';
import { assertInvariant } from '../kernel/errors.ts';
import type { LedgerReader } from '../ledger/ports.ts';
import type { ClosedWindow } from './close-window.ts';
import { toLine } from './collect-entries.ts';

/** What surrounds and proves the entries of a window. */
export interface ProvedRun {
  readonly runFirst: number;
  readonly size: number;
  readonly root: string;
  /** Signed note of exactly `size` leaves. */
  readonly checkpoint: string;
  readonly hashes: readonly Uint8Array[];
  readonly edgesNdjson: string;
}

export interface CheckpointSigner extends LedgerReader {
  signCheckpoint(size: number): Promise<string>;
}

/** Edges, checkpoint and range proof of leaves [first, end): the tree ends with the leaf after the window. */
export async function proveRun(ledger: CheckpointSigner, { first, end }: ClosedWindow): Promise<ProvedRun> {
  const runFirst = Math.max(0, first - 1);
  const size = end + 1;
  const edges: string[] = [];
  if (first > 0) edges.push(await edgeLine(ledger, first - 1));
  edges.push(await edgeLine(ledger, end));
  return {
    runFirst,
    size,
    root: toHex(await ledger.rootAt(size)),
    checkpoint: await ledger.signCheckpoint(size),
    hashes: await ledger.rangeProof(runFirst, end, size),
    edgesNdjson: edges.map((line) => `${line}\n`).join(''),
  };
}

async function edgeLine(ledger: LedgerReader, seq: number): Promise<string> {
  for await (const leaf of ledger.leaves(seq, seq + 1)) {
    assertInvariant(leaf.seq === seq, `the ledger gave leaf ${leaf.seq} in place of ${seq}`);
    return toLine(leaf);
  }
  throw new Error(`the ledger has no leaf ${seq}`);
}
