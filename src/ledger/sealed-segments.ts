import { TILE_WIDTH } from '../kernel/leaf.ts';
import { listSegments } from './index-files.ts';
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
