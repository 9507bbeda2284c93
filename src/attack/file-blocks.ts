import { AttackError } from './attack-error.ts';
import { bytesOf } from './disk.ts';
import type { LedgerView, SegmentFile } from './ledger-view.ts';

/** Block size of ext4 and xfs as they are usually made: holes and collapses work on whole blocks. */
export const BLOCK_BYTES = 4096;

/** The whole block of the segment that lies nearest behind the aimed-at leaf, and the leaves that it touches. */
export function blockNear(view: LedgerView): { segment: SegmentFile; at: number; first: number; last: number } {
  const aimed = view.place(view.aim());
  // A segment that was just begun has no whole block yet: the one before it has.
  const segment = hasRoom(aimed.segment) ? aimed.segment : view.segments().findLast((candidate) => hasRoom(candidate));
  if (segment === undefined) throw new AttackError('not-possible', `no segment has two whole blocks of ${BLOCK_BYTES} bytes`);
  const blocks = Math.floor(bytesOf(segment.path) / BLOCK_BYTES);
  const from = segment === aimed.segment ? aimed.frame.at : 0;
  // Never the file's last whole block: what is cut at the end would be a truncation.
  const at = Math.min(Math.floor(from / BLOCK_BYTES), blocks - 2) * BLOCK_BYTES;
  const frames = view.frames(segment);
  const first = frames.findIndex(({ end }) => end > at);
  const last = frames.findLastIndex((touched) => touched.at < at + BLOCK_BYTES);
  return { segment, at, first: segment.first + first, last: segment.first + last };
}

function hasRoom(segment: SegmentFile): boolean {
  return bytesOf(segment.path) >= 2 * BLOCK_BYTES;
}
