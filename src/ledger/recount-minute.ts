import { TILE_WIDTH } from '../kernel/leaf.ts';
import { countLeaf } from './count-leaf.ts';
import { lastBlockBefore, type IndexDelta } from './ledger-index.ts';
import type { LedgerState } from './ledger-state.ts';
import { minuteOf, minuteStartNs, type MinuteMark } from './minute-counter.ts';
import { parseFrames, readBlockBytes } from './read-block.ts';

/**
 * Counts the last minute of a ledger again after a start, so that its summary will be right: from `known`, what ran there when a segment
 * that was not read ended, or from the beginning of the minute.
 */
export async function recountMinute(
  segmentsDir: string,
  state: LedgerState,
  index: IndexDelta,
  known: { readonly seq: number; readonly minute: MinuteMark },
): Promise<void> {
  const minute = minuteOf(state.lastTimeNs);
  const fromNs = minuteStartNs(minute);
  const bound = { size: state.size, segmentFirst: state.end.first, segmentBytes: state.end.bytes };
  state.minutes.reset(known.minute?.minute === minute ? known.minute : undefined);
  const first = Math.max(lastBlockBefore(index.starts, fromNs), known.seq / TILE_WIDTH);
  for (let block = first; block < index.starts.length; block++) {
    for (const leaf of parseFrames(await readBlockBytes(segmentsDir, index.starts, block, bound))) {
      if (leaf.timeNs >= fromNs) countLeaf(state.minutes, leaf);
    }
  }
}
