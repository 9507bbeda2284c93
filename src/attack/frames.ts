import { readU16, writeU16 } from '../kernel/bytes.ts';
import { FRAME_PREFIX_BYTES, segmentIsFull, segmentName } from '../kernel/leaf.ts';

/** A frame in a segment: `u16 length ‖ leaf`. */
export interface Frame {
  /** Offset of the length. */
  readonly at: number;
  /** Offset just past the leaf. */
  readonly end: number;
  readonly leaf: Buffer;
}

/** Whole frames from the start of a segment's content; what follows the last whole one is left out. */
export function splitFrames(content: Buffer): Frame[] {
  const frames: Frame[] = [];
  for (let at = 0; at + FRAME_PREFIX_BYTES <= content.length;) {
    const end = at + FRAME_PREFIX_BYTES + readU16(content, at);
    if (end > content.length) break;
    frames.push({ at, end, leaf: content.subarray(at + FRAME_PREFIX_BYTES, end) });
    at = end;
  }
  return frames;
}

export function joinFrames(leaves: readonly Uint8Array[]): Buffer {
  const bytes = leaves.reduce((sum, leaf) => sum + FRAME_PREFIX_BYTES + leaf.length, 0);
  const content = Buffer.alloc(bytes);
  let at = 0;
  for (const leaf of leaves) {
    writeU16(content, at, leaf.length);
    content.set(leaf, at + FRAME_PREFIX_BYTES);
    at += FRAME_PREFIX_BYTES + leaf.length;
  }
  return content;
}

/** Leaves 0 … n − 1 as the segment files of the format: name → content. */
export function toSegmentFiles(leaves: readonly Uint8Array[]): Map<string, Buffer> {
  const files = new Map<string, Buffer>();
  let [first, bytes] = [0, 0];
  for (const [seq, leaf] of leaves.entries()) {
    bytes += FRAME_PREFIX_BYTES + leaf.length;
    const end = seq + 1;
    if (end < leaves.length && !segmentIsFull(end - first, bytes)) continue;
    files.set(segmentName(first), joinFrames(leaves.slice(first, end)));
    [first, bytes] = [end, 0];
  }
  return files;
}
