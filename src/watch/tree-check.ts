import { readU16, readU64 } from '../kernel/bytes.ts';
import { FRAME_PREFIX_BYTES, LEAF_HEADER_BYTES, LEAF_MAC_BYTES, LEAF_TYPES, TILE_WIDTH } from '../kernel/leaf.ts';
import { BlockRoots } from './block-roots.ts';
import { READ_BYTES, readFully, type OpenFile } from './disk.ts';
import type { FileStat } from './file-stat.ts';
import { digestBytes, SpanBuilder, type Spans } from './spans.ts';
import { SEGMENT_BYTES_MAX } from './segment-copy.ts';

export interface TreeCheck {
  /** As the file was before it was read. */
  readonly stat: FileStat;
  readonly spans: Spans;
  /** Smallest run of whole blocks that holds every difference from the tree; undefined when there is none. */
  readonly changed: { from: number; to: number } | undefined;
  /** Tamper records found on the way: what an earlier life of the sidecar saw. */
  readonly tampers: readonly number[];
}

/** Counters of tamper records that are kept for the status; the first ones matter. */
const TAMPERS_KEPT = 100;
const HASH_BYTES = 32;

/**
 * Compares a sealed segment, whose content this process has never seen, with the block roots of the tree. Yields the bytes it has
 * hashed since the last time, so that the caller can spread it; `buffer` must hold a whole segment.
 */
export function* checkAgainstTree(file: OpenFile, buffer: Buffer, first: number, roots: Uint8Array): Generator<number, TreeCheck, void> {
  const stat = file.stat();
  const size = Math.min(stat.size, SEGMENT_BYTES_MAX);
  const builder = new SpanBuilder();
  for (let at = 0; at < size; at += READ_BYTES) {
    const count = readFully(file, buffer, at, Math.min(READ_BYTES, size - at), at);
    builder.add(at, at + count, digestBytes(buffer.subarray(at, at + count)));
    // Reading is the cheap part: the bytes are counted when their leaves are hashed.
    yield 0;
  }
  const blocks = roots.length / HASH_BYTES;
  const tampers: number[] = [];
  let changed: TreeCheck['changed'];
  let at = 0;
  for (let block = 0; block < blocks; block++) {
    const read = hashBlock(buffer, at, size, first + block * TILE_WIDTH, tampers);
    if (read === undefined) {
      // The frames lead nowhere from here on.
      changed = { from: changed?.from ?? at, to: size };
      break;
    }
    const root = Buffer.from(roots.buffer, roots.byteOffset + block * HASH_BYTES, HASH_BYTES).toString('latin1');
    if (read.root !== root) changed = { from: changed?.from ?? at, to: read.end };
    yield read.end - at;
    at = read.end;
  }
  if (at < stat.size && changed?.to !== size) changed = { from: changed?.from ?? at, to: stat.size };
  return { stat, spans: builder.build(() => ''), changed, tampers: tampers.slice(0, TAMPERS_KEPT) };
}

/** Where the leaves of a block lie, relative to its first byte; used by one block after the other. */
const starts = new Uint32Array(TILE_WIDTH);
const lengths = new Uint32Array(TILE_WIDTH);
let blockRoots: BlockRoots | undefined;

/** Root of the 256 leaves from `at` on and where they end; undefined when they are no frames with these counters. */
function hashBlock(
  buffer: Buffer,
  at: number,
  size: number,
  firstSeq: number,
  tampers: number[],
): { root: string; end: number } | undefined {
  let end = at;
  for (let i = 0; i < TILE_WIDTH; i++) {
    const leafAt = end + FRAME_PREFIX_BYTES;
    const leafBytes = leafAt <= size ? readU16(buffer, end) : 0;
    end = leafAt + leafBytes;
    if (leafBytes < LEAF_HEADER_BYTES + LEAF_MAC_BYTES || end > size || readU64(buffer, leafAt + 4) !== firstSeq + i) return undefined;
    if (buffer[leafAt + 1] === LEAF_TYPES.tamper) tampers.push(firstSeq + i);
    // The leaf hash covers 0x00 ‖ leaf: the byte before the leaf is borrowed for that prefix; it is read no more.
    buffer[leafAt - 1] = 0x00;
    starts[i] = leafAt - 1 - at;
    lengths[i] = leafBytes + 1;
  }
  blockRoots ??= new BlockRoots();
  return { root: blockRoots.root(buffer.subarray(at, end), starts, lengths), end };
}
