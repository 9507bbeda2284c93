import { connect } from 'node:net';
import { setTimeout } from 'node:timers/promises';

/** Entries of a batch, and bytes of an entry's own text, the same for everybody. */
export const BATCH_ENTRIES = 1000;
export const ENTRY_BYTES = 200;
export const CONNECTIONS = 8;

/** What one run of one system measured. */
export interface PeerRun {
  readonly entries: number;
  readonly entriesPerS: number;
}

/** A logging system under the load that ours gets: 200-byte entries over loopback, eight connections, batches of 1,000. */
export interface Peer {
  readonly name: string;
  /** What an entry has got when it counts as stored; printed beside the figure. */
  readonly conditions: string;
  run(seconds: number): Promise<PeerRun>;
}

const START_WAITS_MAX = 200;
const START_WAIT_MS = 50;

/** Waits until somebody listens on the port of 127.0.0.1. */
export async function untilListening(port: number): Promise<void> {
  for (let waits = 0; waits < START_WAITS_MAX; waits++) {
    const isOpen = await new Promise<boolean>((resolve) => {
      const socket = connect({ host: '127.0.0.1', port })
        .once('connect', () => {
          socket.destroy();
          resolve(true);
        })
        .once('error', () => resolve(false));
    });
    if (isOpen) return;
    await setTimeout(START_WAIT_MS);
  }
  throw new Error(`nobody listens on port ${port} after ${(START_WAITS_MAX * START_WAIT_MS) / 1000} s`);
}
