import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { readU16 } from '../kernel/bytes.ts';
import { FRAME_PREFIX_BYTES, LEAF_TYPES, parseLeaf, segmentName, TILE_WIDTH, type Leaf } from '../kernel/leaf.ts';
import { LEVELS } from '../kernel/levels.ts';
import { readAt } from './files.ts';
import type { LedgerIndex } from './ledger-index.ts';
import type { LedgerState } from './ledger-state.ts';
import { minuteOf } from './minute-counter.ts';
import type { LedgerPaths } from './paths.ts';

/**
 * Counts the last minute of a ledger again after a start, so that its summary will be right. All leaves have been verified.
 */
export function recountMinute(paths: LedgerPaths, state: LedgerState, index: LedgerIndex): void {
  const minuteNs = BigInt(minuteOf(state.lastTimeNs)) * 60_000_000_000n;
  for (let block = index.lastBlockBefore(minuteNs); block < index.starts.length; block++) {
    for (const leaf of readBlock(paths, state, index, block)) {
      if (leaf.timeNs < minuteNs || leaf.type === LEAF_TYPES.minuteSummary) continue;
      state.minutes.countLeaves(leaf.seq, 1, leaf.timeNs);
      if (leaf.type === LEAF_TYPES.event) countEvent(state, leaf);
    }
  }
}

function countEvent(state: LedgerState, leaf: Leaf): void {
  const { level, tenant } = JSON.parse(Buffer.from(leaf.payload).toString('utf8')) as { level?: string; tenant?: string };
  state.minutes.countEvents({
    payloads: new Uint8Array(0),
    ends: new Uint32Array(1),
    levels: Uint8Array.of(LEVELS.findIndex((name) => name === (level ?? 'none'))),
    tenants: Uint16Array.of(tenant === undefined ? 0 : 1),
    tenantNames: tenant === undefined ? [] : [tenant],
  });
}

function readBlock(paths: LedgerPaths, state: LedgerState, index: LedgerIndex, block: number): Leaf[] {
  const start = index.starts[block];
  const next = index.starts.at(block + 1);
  const end = block + 1 < index.starts.length && next !== undefined && next.segmentFirst === start.segmentFirst ? next.offset : undefined;
  const leaves = Math.min(TILE_WIDTH, state.size - block * TILE_WIDTH);
  const fd = openSync(join(paths.segments, segmentName(start.segmentFirst)), 'r');
  try {
    // Without a next block in this file the last block of the segment is read to a block's greatest length.
    const bytes = readAt(fd, start.offset, (end ?? start.offset + leaves * 0x1_0001) - start.offset);
    return parseFrames(bytes, leaves);
  } finally {
    closeSync(fd);
  }
}

/** The first `leaves` frames of a buffer. */
export function parseFrames(bytes: Uint8Array, leaves: number): Leaf[] {
  const found: Leaf[] = [];
  let at = 0;
  for (let i = 0; i < leaves; i++) {
    const leafAt = at + FRAME_PREFIX_BYTES;
    at = leafAt + readU16(bytes, at);
    found.push(parseLeaf(bytes.subarray(leafAt, at)));
  }
  return found;
}
