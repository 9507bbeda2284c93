import { fromUtf8 } from '../kernel/bytes.ts';
import { EMPTY_BATCH } from '../kernel/event-batch.ts';
import { LEAF_TYPES } from '../kernel/leaf.ts';
import type { Ledger } from '../ledger/ports.ts';
import type { BundleWindow } from './format.ts';

/** Digests remembered per ledger; older ones are looked up in the ledger. */
const REMEMBERED_MAX = 1000;
/**
 * Leaves searched after a window and at the end of the ledger. A record that lies between them is not found and written
 * again: one more leaf, and no bundle changes by it.
 */
const SEARCHED_LEAVES_MAX = 10_000;

const REMEMBERED = new WeakMap<Ledger, Set<string>>();

export interface RecordedBundle {
  readonly bytes: Uint8Array;
  readonly sha256: string;
  readonly window: BundleWindow;
}

/** Makes sure that the ledger holds a record of this digest. The record lies after the window, outside of the bundle itself. */
export async function recordBundle(ledger: Ledger, bundle: RecordedBundle, afterEdge: number): Promise<void> {
  const remembered = REMEMBERED.get(ledger) ?? new Set();
  REMEMBERED.set(ledger, remembered);
  if (remembered.has(bundle.sha256)) return;
  if (!(await isRecorded(ledger, bundle.sha256, afterEdge))) {
    const { from, to } = bundle.window;
    const payload = { bytes: bundle.bytes.length, from, sha256: bundle.sha256, to };
    await ledger.append({ events: EMPTY_BATCH, record: { type: 'bundle', payload } });
  }
  remembered.add(bundle.sha256);
  const [oldest] = remembered;
  if (remembered.size > REMEMBERED_MAX) remembered.delete(oldest);
}

async function isRecorded(ledger: Ledger, sha256: string, afterEdge: number): Promise<boolean> {
  const { size } = ledger.head();
  const near = Math.min(size, afterEdge + SEARCHED_LEAVES_MAX);
  const tail = Math.max(near, size - SEARCHED_LEAVES_MAX);
  return (await holds(ledger, sha256, afterEdge, near)) || holds(ledger, sha256, tail, size);
}

async function holds(ledger: Ledger, sha256: string, first: number, end: number): Promise<boolean> {
  for await (const leaf of ledger.leaves(first, end)) {
    if (leaf.type === LEAF_TYPES.bundle && fromUtf8(leaf.payload).includes(`"sha256":"${sha256}"`)) return true;
  }
  return false;
}
