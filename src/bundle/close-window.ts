import type { Clock } from '../kernel/clock.ts';
import { EMPTY_BATCH } from '../kernel/event-batch.ts';
import type { Ledger } from '../ledger/ports.ts';
import { BundleError } from './bundle-error.ts';
import { formatTimeNs } from './format.ts';
import type { TimeWindow } from './window.ts';

/** A window "until now" ends with the running millisecond: that is waited for. More is the future. */
const WAIT_MS_MAX = 5;
const NS_PER_MS = 1_000_000n;

export interface CloseOptions {
  readonly clock: Clock;
  readonly sleep: (ms: number) => Promise<void>;
}

/** Leaves [first, end) lie in the window, leaf `end` exists and lies after it. */
export interface ClosedWindow {
  readonly first: number;
  readonly end: number;
}

/**
 * Makes sure that a leaf stands at or after the window's end, so that nothing can join the window any more and its bundle is the
 * same each time. Of two that close the same window at once both may write a heartbeat; the first one is the edge for both.
 */
export async function closeWindow(ledger: Ledger, window: TimeWindow, options: CloseOptions): Promise<ClosedWindow> {
  let end = await ledger.firstAtOrAfter(window.toNs);
  if (end === ledger.head().size) {
    await waitUntilPast(window.toNs, options);
    await ledger.append({ events: EMPTY_BATCH, record: { type: 'heartbeat', payload: { reason: 'closes bundle window' } } });
    end = await ledger.firstAtOrAfter(window.toNs);
    if (end === ledger.head().size) throw inFuture(window.toNs, ledger.head().lastTimeNs);
  }
  if (end === 0) throw new BundleError('bad-window', `the window ends at ${formatTimeNs(window.toNs)}, before this ledger began`);
  return { first: await ledger.firstAtOrAfter(window.fromNs), end };
}

async function waitUntilPast(toNs: bigint, { clock, sleep }: CloseOptions): Promise<void> {
  const aheadMs = Number((toNs - clock() + NS_PER_MS - 1n) / NS_PER_MS);
  if (aheadMs > WAIT_MS_MAX) throw inFuture(toNs, clock());
  // One more than needed: timers and the wall clock do not tick together.
  if (aheadMs > 0) await sleep(aheadMs + 1);
  if (clock() < toNs) throw inFuture(toNs, clock());
}

function inFuture(toNs: bigint, nowNs: bigint): BundleError {
  return new BundleError(
    'window-in-future',
    `the window ends at ${formatTimeNs(toNs)}, and it is only ${formatTimeNs(nowNs)}: entries may still join it`,
  );
}
