import { equalBytes } from '../kernel/bytes.ts';
import { TILE_WIDTH } from '../kernel/leaf.ts';
import { listSegments, readIndex } from './index-files.ts';
import type { LedgerIndex } from './ledger-index.ts';
import type { LedgerPaths } from './paths.ts';

/** A full segment that is still there. */
export interface SealedSegment {
  readonly first: number;
  /** First leaf of the segment behind it. */
  readonly end: number;
  readonly bytes: number;
  /** No leaf in it is younger. */
  readonly youngestNs: bigint;
}

/** What retention has to choose from. */
export interface SegmentsHere {
  /** Full segments behind the first, oldest first. */
  readonly sealed: readonly SealedSegment[];
  /** Of all segment files, the first and the one that takes leaves included. */
  readonly bytes: number;
}

export function segmentsHere(paths: LedgerPaths, index: LedgerIndex): SegmentsHere {
  const there = listSegments(paths);
  const sealed = there.flatMap(({ first, bytes }): SealedSegment[] => {
    if (first === undefined || first === 0 || bytes === undefined || index.pruningOf(first) !== undefined) return [];
    const end = index.segmentEnd(first);
    return end === undefined ? [] : [{ first, end, bytes, youngestNs: index.starts[end / TILE_WIDTH].timeNs }];
  });
  return { sealed, bytes: there.reduce((sum, { bytes = 0 }) => sum + bytes, 0) };
}

/** Can the index file stand in for the segment? Then its roots are those of the tree that was signed. */
export function hasRightIndex(paths: LedgerPaths, index: LedgerIndex, { first, end }: SealedSegment): boolean {
  const stored = readIndex(paths.index, first);
  if (stored === undefined || stored.first + stored.leaves !== end) return false;
  return stored.blocks.every(({ root }, i) => {
    const known = index.tree.subtree(first + i * TILE_WIDTH, first + (i + 1) * TILE_WIDTH);
    return known !== undefined && equalBytes(root, known);
  });
}
