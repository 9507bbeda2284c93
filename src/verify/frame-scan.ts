import { readU16, readU32, readU64 } from '../kernel/bytes.ts';
import {
  FLAG_REQUEST_TAG,
  FLAGS_KNOWN,
  FRAME_PREFIX_BYTES,
  LEAF_BYTES_MAX,
  LEAF_HEADER_BYTES,
  LEAF_MAC_BYTES,
  LEAF_VERSION,
  REQUEST_TAG_BYTES,
} from '../kernel/leaf.ts';
import type { SegmentWindow } from './segment-window.ts';

export const LEAF_BYTES_MIN = LEAF_HEADER_BYTES + LEAF_MAC_BYTES;
const FRAME_BYTES_MAX = FRAME_PREFIX_BYTES + LEAF_BYTES_MAX;
const HEAD_BYTES = FRAME_PREFIX_BYTES + LEAF_HEADER_BYTES;
/** A frame and the head of the one after it: asked of the window first, so that looking ahead does not move it back and forth. */
export const LOOKAHEAD_BYTES = FRAME_BYTES_MAX + HEAD_BYTES;

/** What stands at a place of a segment: a leaf's number if it looks like a frame, 'end' of the file, or nothing readable. */
export type Sight = number | 'end' | undefined;

/** Length of the leaf that the frame at `at` states when it fits into the file; undefined otherwise. */
export function frameLeafBytes(window: SegmentWindow, at: number): number | undefined {
  if (window.bytes - at < FRAME_PREFIX_BYTES + LEAF_BYTES_MIN) return undefined;
  const length = readU16(window.buffer, window.indexOf(at, HEAD_BYTES));
  return length >= LEAF_BYTES_MIN && at + FRAME_PREFIX_BYTES + length <= window.bytes ? length : undefined;
}

/** Looks at a place without believing it: version, flags, epoch and length have to be possible. */
export function sightFrame(window: SegmentWindow, at: number): Sight {
  if (at === window.bytes) return 'end';
  const length = frameLeafBytes(window, at);
  if (length === undefined) return undefined;
  const header = window.indexOf(at, HEAD_BYTES) + FRAME_PREFIX_BYTES;
  const { buffer } = window;
  const flags = readU16(buffer, header + 2);
  const isPossible = buffer[header] === LEAF_VERSION && (flags & ~FLAGS_KNOWN) === 0;
  const isTagFitting = (flags & FLAG_REQUEST_TAG) === 0 || length >= LEAF_BYTES_MIN + REQUEST_TAG_BYTES;
  const seq = readU64(buffer, header + 4);
  // Every epoch before this one has a leaf, its seal.
  return isPossible && isTagFitting && seq !== undefined && readU32(buffer, header + 12) <= seq ? seq : undefined;
}

export interface Resync {
  readonly at: number;
  readonly seq: number;
}

/**
 * The next place after `at` where frames go on: one that looks like a frame of leaf `seqMin` or a later one that the bytes
 * between could make room for, followed by its successor or the end of the file. One pass; its bound is the segment's.
 */
export function findNextFrame(window: SegmentWindow, at: number, seqMin: number): Resync | undefined {
  const last = window.bytes - FRAME_PREFIX_BYTES - LEAF_BYTES_MIN;
  for (let place = at + 1; place <= last; place++) {
    window.indexOf(place, LOOKAHEAD_BYTES);
    const seq = sightFrame(window, place);
    if (typeof seq !== 'number' || seq < seqMin || seq > seqMin + (place - at) / (FRAME_PREFIX_BYTES + LEAF_BYTES_MIN) + 1) continue;
    const length = frameLeafBytes(window, place) ?? 0;
    const next = sightFrame(window, place + FRAME_PREFIX_BYTES + length);
    if (next === 'end' || next === seq + 1) return { at: place, seq };
  }
  return undefined;
}
