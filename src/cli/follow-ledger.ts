import { statSync } from 'node:fs';
import { join } from 'node:path';
import { Buffer } from 'node:buffer';
import { setTimeout as delay } from 'node:timers/promises';
import { FRAME_PREFIX_BYTES, LeafFormatError, parseLeaf, parseSegmentName, type Leaf } from '../kernel/leaf.ts';
import { listDirectory } from '../ledger/files.ts';
import { ledgerPaths } from '../ledger/paths.ts';
import { walkFrames } from '../ledger/walk-frames.ts';

/** A person sees a new line after this long at most. Polling works on every file system; notification does not. */
const POLL_MS = 250;

/**
 * Leaves from `nextSeq` on, as they reach the disk, until the signal. Only segments that can hold them are read, and only when one
 * has grown. A leaf shows up when its bytes are there, which is a moment before it is acknowledged.
 */
export async function* followLedger(dataDir: string, nextSeq: number, signal: AbortSignal): AsyncGenerator<Leaf> {
  const { segments } = ledgerPaths(dataDir);
  let next = nextSeq;
  let seenBytes = -1;
  while (!signal.aborted) {
    const firsts = listDirectory(segments).flatMap((name) => parseSegmentName(name) ?? []);
    const from = Math.max(...firsts.filter((first) => first <= next), 0);
    const names = listDirectory(segments).filter((name) => (parseSegmentName(name) ?? -1) >= from);
    const bytes = names.reduce((sum, name) => sum + statSync(join(segments, name)).size, 0);
    if (bytes !== seenBytes) {
      seenBytes = bytes;
      const fresh = names.flatMap((name) => readFrom(join(segments, name), next));
      for (const leaf of fresh) {
        next = leaf.seq + 1;
        yield leaf;
      }
    }
    await delay(POLL_MS, undefined, { signal }).catch(() => undefined);
  }
}

/** Leaves of one segment from `next` on; stops quietly at a frame that is still being written. */
function readFrom(path: string, next: number): Leaf[] {
  const leaves: Leaf[] = [];
  walkFrames(path, (frame) => {
    try {
      const leaf = parseLeaf(Buffer.from(frame.subarray(FRAME_PREFIX_BYTES)));
      if (leaf.seq >= next) leaves.push(leaf);
      return undefined;
    } catch (error) {
      if (error instanceof LeafFormatError) return error.message;
      throw error;
    }
  });
  return leaves;
}
