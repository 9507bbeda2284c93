import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parentPort } from 'node:worker_threads';
import type { EventBatch } from '../src/kernel/event-batch.ts';
import { EpochKeys } from '../src/ledger/epoch-keys.ts';
import { firstEpochState } from '../src/ledger/epoch-state.ts';
import { LedgerState } from '../src/ledger/ledger-state.ts';
import { SegmentFiles } from '../src/ledger/segment-files.ts';
import { NO_JOURNAL } from '../src/ledger/write-journal.ts';

/** What the writer thread does with a request, up to the write: leaf, MAC, tree, segment file. No fdatasync, no checkpoint. */
const GROUP_REQUESTS = 10;

if (parentPort === null) throw new Error('runs in a thread of its own');
const port = parentPort;
const directory = mkdtempSync(join(tmpdir(), 'proofs-bench-'));
const identity = { ledgerId: Buffer.alloc(16, 1), origin: 'bench.example/log', verifierKey: '' };
const state = new LedgerState(identity, firstEpochState(new EpochKeys(0, Buffer.alloc(32, 2), Buffer.alloc(32, 3)), true));
const segments = new SegmentFiles(directory, { first: 0, bytes: 0 }, NO_JOURNAL);
let waiting = 0;
state.begin(BigInt(Date.now()) * 1_000_000n);

function writeGroup(): void {
  const { group, pieces } = state.staged();
  segments.write(group, pieces);
  state.frontier.root();
  state.delta.take();
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker's port has no origin
  port.postMessage(waiting);
  waiting = 0;
  state.begin(BigInt(Date.now()) * 1_000_000n);
}

port.on('message', (events: EventBatch | 'end') => {
  if (events === 'end') {
    segments.close();
    rmSync(directory, { recursive: true });
    port.close();
    return;
  }
  state.stageRequest({ events });
  if (++waiting === GROUP_REQUESTS) writeGroup();
});
