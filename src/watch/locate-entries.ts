import { readU16, readU64 } from '../kernel/bytes.ts';
import type { SeqRange } from '../kernel/detection.ts';
import { FRAME_PREFIX_BYTES, LEAF_HEADER_BYTES } from '../kernel/leaf.ts';

/** Offset of the counter in a leaf, docs/formats/ledger.md. */
const SEQ_AT = FRAME_PREFIX_BYTES + 4;

/** The byte at an offset of the segment, in a run of bytes that holds it and what follows; undefined at the end. */
export type BytesAt = (offset: number, length: number) => Uint8Array;

/**
 * The entries that lie in bytes [from, to) of a segment, by walking its frames from the start. What stands before `from` is good, so
 * the first counter is certain; the last one only if the frames still lead through the changed bytes to an entry with the right counter.
 */
export function locateEntries(bytesAt: BytesAt, segmentFirst: number, fileBytes: number, from: number, to: number): SeqRange {
  let seq = segmentFirst;
  let first: number | undefined;
  for (let at = 0; at < fileBytes; seq++) {
    const head = bytesAt(at, FRAME_PREFIX_BYTES + LEAF_HEADER_BYTES);
    if (head.length < FRAME_PREFIX_BYTES + LEAF_HEADER_BYTES) break;
    if (first !== undefined && at >= to) return { first, last: readU64(head, SEQ_AT) === seq ? seq - 1 : null };
    const end = at + FRAME_PREFIX_BYTES + readU16(head, 0);
    if (first === undefined && end > from) first = seq;
    at = end;
    if (at === fileBytes && first !== undefined) return { first, last: seq };
  }
  return { first: first ?? seq, last: null };
}
