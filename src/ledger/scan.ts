import { join } from 'node:path';
import {
  FLAG_LAST_OF_REQUEST,
  FRAME_PREFIX_BYTES,
  LeafFormatError,
  parseLeaf,
  segmentIsFull,
  segmentName,
  type Leaf,
} from '../kernel/leaf.ts';
import type { EpochSecrets } from './epoch-state.ts';
import { listSegments, type SegmentOnDisk } from './index-files.ts';
import { nextSegment } from './ledger-index.ts';
import type { LedgerState, StateMark } from './ledger-state.ts';
import type { LedgerPaths } from './paths.ts';
import type { SegmentIndex } from './segment-index.ts';
import { walkFrames } from './walk-frames.ts';

/** Where and why the chain of good leaves ends. */
export interface Break {
  readonly segment: string;
  readonly offset: number;
  readonly seq: number;
  readonly reason: string;
  /** True when the bytes simply stop: the last file ends here. */
  readonly isEndOfFile: boolean;
}

export interface ScanResult {
  /** The last point that ends a request, at or after `trustedSize`. */
  readonly complete: StateMark & { readonly segment: string };
  /** Undefined when every byte is a good leaf of a complete request. */
  readonly broken: Break | undefined;
  /** Segment files in order; the last good leaf need not be in the last of them. */
  readonly segments: readonly string[];
}

export interface ScanHooks {
  /** What is taken over instead of reading the segment; undefined when it has to be read. */
  indexOf(segment: SegmentOnDisk): SegmentIndex | undefined;
  /** The segment was taken over by its index. */
  adopted(index: SegmentIndex, segment: SegmentOnDisk): void;
  /** The segment that begins here is about to be walked. */
  begin(first: number): void;
  /** Called for every good leaf, in order; `leaf` is a view that the next call may overwrite. */
  leaf(leaf: Leaf): void;
  /** The segment that was walked takes no more leaves. */
  filled(): void;
}

/**
 * Walks the segments and lets the state adopt every leaf that continues the ledger, up to the first break. Believes nothing it has not
 * checked but the indexes that it is given. Marks complete requests only from `trustedSize` on: below it, a break is fatal for the caller
 * anyway.
 */
export function scanSegments(
  paths: LedgerPaths,
  state: LedgerState,
  secrets: EpochSecrets,
  trustedSize: number,
  hooks: ScanHooks,
): ScanResult {
  const listed = listSegments(paths);
  const segments = listed.filter(({ bytes }) => bytes !== undefined).map(({ name }) => name);
  let complete = { ...state.mark(), segment: segmentName(0) };
  const finish = (broken: Break | undefined): ScanResult => ({ complete, broken, segments });
  for (const segment of listed) {
    const { name, first, bytes } = segment;
    const due = state.size === 0 ? 0 : nextSegment(state.end).first;
    const previousIsFull = state.size === 0 || due !== state.end.first;
    const breakHere = (reason: string): Break => ({ segment: name, offset: 0, seq: state.size, reason, isEndOfFile: false });
    if (first !== due || !previousIsFull) {
      const expected = segmentName(previousIsFull ? due : state.end.first);
      return finish(breakHere(`expected the segment ${expected} to hold entry ${state.size}`));
    }
    const index = hooks.indexOf(segment);
    if (index !== undefined) {
      state.adoptSegment(index);
      hooks.adopted(index, segment);
      continue;
    }
    if (bytes === undefined) return finish(breakHere('the index of this segment, which retention removed, cannot be used'));
    hooks.begin(first);
    const broken = scanSegment(join(paths.segments, name), state, secrets, (leaf) => {
      hooks.leaf(leaf);
      if ((leaf.flags & FLAG_LAST_OF_REQUEST) !== 0 && state.size >= trustedSize) complete = { ...state.mark(), segment: name };
    });
    if (broken !== undefined) return finish({ ...broken, segment: name, isEndOfFile: broken.isEndOfFile && name === segments.at(-1) });
    if (segmentIsFull(state.end.leaves, state.end.bytes)) hooks.filled();
  }
  return finish(complete.frontier.size === state.size ? undefined : endBreak(segments, state, 'the last request is incomplete'));
}

function endBreak(segments: readonly string[], state: LedgerState, reason: string): Break {
  return { segment: segments.at(-1) ?? segmentName(0), offset: state.end.bytes, seq: state.size, reason, isEndOfFile: true };
}

function scanSegment(
  path: string,
  state: LedgerState,
  secrets: EpochSecrets,
  onLeaf: (leaf: Leaf) => void,
): Omit<Break, 'segment'> | undefined {
  const end = walkFrames(path, (frame, offset) => {
    const isPastEnd = offset > 0 && nextSegment(state.end).first !== state.end.first;
    return isPastEnd ? 'the segment goes on past its end' : adopt(state, secrets, frame, onLeaf);
  });
  return end === undefined ? undefined : { ...end, seq: state.size };
}

/** The reason the frame is not the next leaf, or undefined once the state has adopted it. */
function adopt(state: LedgerState, secrets: EpochSecrets, frame: Buffer, onLeaf: (leaf: Leaf) => void): string | undefined {
  let leaf: Leaf;
  try {
    leaf = parseLeaf(frame.subarray(FRAME_PREFIX_BYTES));
  } catch (error) {
    if (error instanceof LeafFormatError) return error.message;
    throw error;
  }
  if (leaf.seq !== state.size) return `expected counter ${state.size}, found ${leaf.seq}`;
  if (leaf.timeNs < state.lastTimeNs) return 'the time goes back';
  const reason = state.adoptFrame(frame, leaf, secrets);
  if (reason === undefined) onLeaf(leaf);
  return reason;
}
