import { join } from 'node:path';
import {
  FLAG_LAST_OF_REQUEST,
  FRAME_PREFIX_BYTES,
  LeafFormatError,
  parseLeaf,
  parseSegmentName,
  segmentName,
  type Leaf,
} from '../kernel/leaf.ts';
import type { EpochSecrets } from './epoch-state.ts';
import { listDirectory } from './files.ts';
import { nextSegment } from './ledger-index.ts';
import type { LedgerState, StateMark } from './ledger-state.ts';
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
  /** Called for every good leaf, in order; `leaf` is a view that the next call may overwrite. */
  leaf(leaf: Leaf): void;
}

/**
 * Walks the segments from where the state stands (the end of a full segment, or the beginning) and lets it adopt every leaf that
 * continues the ledger, up to the first break. Believes nothing it has not checked. Marks complete requests only from `trustedSize` on: below it, a break is fatal for the caller anyway.
 */
export function scanSegments(
  directory: string,
  state: LedgerState,
  secrets: EpochSecrets,
  trustedSize: number,
  hooks: ScanHooks,
): ScanResult {
  const segments = listDirectory(directory);
  const start = state.size === 0 ? 0 : nextSegment(state.end).first;
  let complete = { ...state.mark(), segment: segmentName(state.end.first) };
  const finish = (broken: Break | undefined): ScanResult => ({ complete, broken, segments });
  for (const name of segments) {
    if (name < segmentName(start)) continue;
    const due = state.size === 0 ? 0 : nextSegment(state.end).first;
    const previousIsFull = state.size === 0 || due !== state.end.first;
    if (parseSegmentName(name) !== due || !previousIsFull) {
      return finish({
        segment: name,
        offset: 0,
        seq: state.size,
        reason: `expected the segment ${segmentName(previousIsFull ? due : state.end.first)} to hold entry ${state.size}`,
        isEndOfFile: false,
      });
    }
    const broken = scanSegment(join(directory, name), state, secrets, (leaf) => {
      hooks.leaf(leaf);
      if ((leaf.flags & FLAG_LAST_OF_REQUEST) !== 0 && state.size >= trustedSize) complete = { ...state.mark(), segment: name };
    });
    if (broken !== undefined) return finish({ ...broken, segment: name, isEndOfFile: broken.isEndOfFile && name === segments.at(-1) });
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
