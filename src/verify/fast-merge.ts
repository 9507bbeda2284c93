import { equalBytes } from '../kernel/bytes.ts';
import { HASH_BYTES } from '../kernel/hashes.ts';
import { LEAF_MAC_BYTES, LEAF_TYPES, TILE_WIDTH } from '../kernel/leaf.ts';
import type { ChainKeys } from './chain-keys.ts';
import { acceptEpochEvents } from './epoch-check.ts';
import { LeafCheck } from './leaf-check.ts';
import { countRun, faultBeforeMinute } from './minute-check.ts';
import type { EpochState, SegmentState } from './segment-state.ts';
import type { EventRun, RecordPlace, SegmentSummary } from './segment-summary.ts';
import type { TreeFrontier } from './tree-frontier.ts';

const TILE_LEVEL = Math.log2(TILE_WIDTH);

/** Where something is to be noted: the state before a seal, or that at the end of a commit. */
export interface MergeStep {
  readonly kind: 'seal' | 'commit';
  readonly epoch: EpochState;
  /** Of the commit; its last MAC, latin1. */
  readonly size: number;
  readonly mac: string;
}

export interface Merged {
  /** What the segment leaves behind. */
  readonly state: SegmentState;
  readonly steps: readonly MergeStep[];
}

/**
 * What comes of a state by a segment that was checked by itself: all that crosses its border or its runs is judged here, by the
 * rules of the careful walk. Undefined when anything is in doubt; `before` is never changed.
 */
export function mergeSegment(before: SegmentState, summary: SegmentSummary, commitSizes: ReadonlySet<number>): Merged | undefined {
  const isClear = before.isChained && before.previousMacExpected === undefined && before.epoch.min === before.epoch.max;
  if (!isClear || before.minute.isSpoilt || before.minute.isNextSpoilt || before.seq !== summary.first) return undefined;
  const { chained } = summary;
  if (chained !== undefined && asBuffer(chained.previousMac).toString('latin1') !== before.previousMac) return undefined;
  const state = structuredClone(before);
  const check = new LeafCheck(state);
  const records = asBuffer(summary.records);
  const steps: MergeStep[] = [];
  for (const item of summary.items) {
    const { seq } = state;
    const epoch = { ...state.epoch };
    if (!(item.kind === 'events' ? takeRun(state, item) : takeRecord(state, check, records, item))) return undefined;
    if (state.epoch.min !== epoch.min) steps.push({ kind: 'seal', epoch, size: state.seq, mac: state.previousMac });
    for (const { size, mac, endsRequest } of summary.sizes) {
      if (size <= seq || size > state.seq || !commitSizes.has(size)) continue;
      if (!endsRequest) return undefined;
      steps.push({ kind: 'commit', epoch: { ...state.epoch }, size, mac: asBuffer(mac).toString('latin1') });
    }
  }
  if (state.seq !== summary.first + summary.leaves) return undefined;
  if (summary.requestEnd.leaves > 0) state.requestEnd = summary.first + summary.requestEnd.leaves;
  return { state, steps };
}

/** Any other leaf; false in any doubt. */
function takeRecord(state: SegmentState, check: LeafCheck, records: Buffer, { from, end }: RecordPlace): boolean {
  if (check.fault(records, from, end) !== undefined || check.accept(records, from) !== undefined) return false;
  state.previousMac = records.toString('latin1', end - LEAF_MAC_BYTES, end);
  state.seq++;
  return true;
}

/** LeafCheck for all events of a run; false in any doubt. */
function takeRun(state: SegmentState, run: EventRun): boolean {
  const { epoch, timeHigh, timeLow } = state;
  const isEarlier = run.firstTimeHigh < timeHigh || (run.firstTimeHigh === timeHigh && run.firstTimeLow < timeLow);
  if (run.epoch !== epoch.min || epoch.rotation !== undefined || isEarlier || (run.isTagged && !state.endsRequest)) return false;
  if (state.seq === 0 || faultBeforeMinute(state.minute, run.minute) !== undefined || !acceptEpochEvents(state, run.count)) return false;
  state.firstTimeNs ??= (BigInt(run.firstTimeHigh) << 32n) | BigInt(run.firstTimeLow);
  countRun(state.minute, state.seq, run);
  state.countsByType[LEAF_TYPES.event] += run.count;
  state.seq += run.count;
  state.endsRequest = run.endsRequest;
  state.previousMac = asBuffer(run.lastMac).toString('latin1');
  state.timeHigh = run.lastTimeHigh;
  state.timeLow = run.lastTimeLow;
  return true;
}

/** Were the segment's MACs checked with the key that the walk would have used, or is there none that it would have used? */
export function isKeyRight(keys: ChainKeys, { chained }: SegmentSummary, { state, steps }: Merged): boolean {
  const { current, key, epoch } = keys;
  if (chained !== undefined) return current !== undefined && key !== undefined && chained.epoch === epoch && equalBytes(chained.key, key);
  return current === undefined && !keys.isGivenUpTo(state.epoch.min) && steps.every((step) => step.epoch.rotation === undefined);
}

/** Adds the segment's leaves to a tree whose size is a multiple of 256, as before every segment, and notes the roots that are wanted. */
export function growTree(
  tree: TreeFrontier,
  { first, blockRoots, restHashes, sizes }: SegmentSummary,
  wanted: ReadonlySet<number>,
  roots: Map<number, Uint8Array>,
): void {
  const blocks = splitHashes(blockRoots);
  for (let block = 0; block <= blocks.length; block++) {
    const begin = first + block * TILE_WIDTH;
    for (const { size, leafHashes } of sizes) {
      if (size <= begin || size > begin + TILE_WIDTH || !wanted.has(size)) continue;
      const edge = tree.copy();
      for (const hash of splitHashes(leafHashes)) edge.append(hash);
      roots.set(size, edge.root());
    }
    if (block < blocks.length) tree.append(blocks[block], TILE_LEVEL);
  }
  for (const hash of splitHashes(restHashes)) tree.append(hash);
}

/** Hashes that lie end to end, as latin1 strings. */
function splitHashes(hashes: Uint8Array): string[] {
  const bytes = asBuffer(hashes);
  return Array.from({ length: bytes.length / HASH_BYTES }, (_, i) => bytes.toString('latin1', i * HASH_BYTES, (i + 1) * HASH_BYTES));
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}
