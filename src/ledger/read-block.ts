import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { readU16 } from '../kernel/bytes.ts';
import { FRAME_PREFIX_BYTES, LeafFormatError, parseLeaf, segmentName, TILE_WIDTH, type Leaf } from '../kernel/leaf.ts';
import { LedgerError } from './ledger-error.ts';
import type { BlockStart } from './ledger-index.ts';

/** The committed end that bounds every read. */
export interface ReadBound {
  readonly size: number;
  readonly segmentFirst: number;
  readonly segmentBytes: number;
}

/** Raw frames of one block of up to 256 leaves: a C2SP entry bundle. Throws LedgerError `io` when the file gives fewer bytes than it must. */
export async function readBlockBytes(segmentsDir: string, starts: readonly BlockStart[], block: number, bound: ReadBound): Promise<Buffer> {
  const start = starts[block];
  const path = join(segmentsDir, segmentName(start.segmentFirst));
  const next = block + 1 < starts.length && (block + 1) * TILE_WIDTH < bound.size ? starts[block + 1] : undefined;
  try {
    await using file = await open(path, 'r');
    const end = await blockEnd(file, start, next, bound);
    const bytes = Buffer.allocUnsafe(end - start.offset);
    const { bytesRead } = await file.read(bytes, 0, bytes.length, start.offset);
    if (bytesRead < bytes.length) throw new LedgerError('io', `${path} ends ${bytes.length - bytesRead} bytes early`);
    return bytes;
  } catch (cause) {
    if (cause instanceof LedgerError) throw cause;
    throw new LedgerError('io', `${path} cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}

async function blockEnd(
  file: { stat(): Promise<{ size: number }> },
  start: BlockStart,
  next: BlockStart | undefined,
  bound: ReadBound,
): Promise<number> {
  if (next?.segmentFirst === start.segmentFirst) return next.offset;
  if (bound.segmentFirst === start.segmentFirst) return bound.segmentBytes;
  return (await file.stat()).size;
}

/** The leaves in a run of frames; throws LedgerError `io` when the framing is broken (the verifier says how). */
export function parseFrames(bytes: Uint8Array): Leaf[] {
  const leaves: Leaf[] = [];
  for (let at = 0; at < bytes.length;) {
    const leafAt = at + FRAME_PREFIX_BYTES;
    const end = leafAt <= bytes.length ? leafAt + readU16(bytes, at) : Number.POSITIVE_INFINITY;
    if (end > bytes.length) throw new LedgerError('io', 'an entry is cut off: the segment was changed; run log verify');
    leaves.push(parseOrRefuse(bytes.subarray(leafAt, end)));
    at = end;
  }
  return leaves;
}

function parseOrRefuse(bytes: Uint8Array): Leaf {
  try {
    return parseLeaf(bytes);
  } catch (cause) {
    if (!(cause instanceof LeafFormatError)) throw cause;
    throw new LedgerError('io', `${cause.message}: the segment was changed; run log verify`, { cause });
  }
}
