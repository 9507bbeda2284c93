import { LEAF_TYPES, type Leaf } from '../kernel/leaf.ts';
import { LEVELS } from '../kernel/levels.ts';
import { lastBlockBefore, type IndexDelta } from './ledger-index.ts';
import type { LedgerState } from './ledger-state.ts';
import { minuteOf, minuteStartNs } from './minute-counter.ts';
import { parseFrames, readBlockBytes } from './read-block.ts';

/** Counts the last minute of a ledger again after a start, so that its summary will be right. All leaves have been verified. */
export async function recountMinute(segmentsDir: string, state: LedgerState, index: IndexDelta): Promise<void> {
  const fromNs = minuteStartNs(minuteOf(state.lastTimeNs));
  const bound = { size: state.size, segmentFirst: state.end.first, segmentBytes: state.end.bytes };
  for (let block = lastBlockBefore(index.starts, fromNs); block < index.starts.length; block++) {
    for (const leaf of parseFrames(await readBlockBytes(segmentsDir, index.starts, block, bound))) {
      if (leaf.timeNs < fromNs || leaf.type === LEAF_TYPES.minuteSummary) continue;
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
