import { statSync } from 'node:fs';
import { join } from 'node:path';
import { parseSegmentName } from '../kernel/leaf.ts';
import { nodeHashes } from '../kernel/node-hashes.ts';
import { isDiskFull, isPresent, listDirectory, makeDirectory, readIfPresent, replaceFile } from './files.ts';
import type { LedgerPaths } from './paths.ts';
import {
  encodeSegmentIndex,
  parseSegmentIndex,
  SEGMENT_INDEX_BYTES_MAX,
  SegmentIndexFormatError,
  segmentIndexName,
  type SegmentIndex,
} from './segment-index.ts';

/**
 * Writes index/<first>.idx. Not synced: a file that a power cut leaves empty or torn fails its checksum, and is made again. False when
 * the disk is too full for it, which the next start makes good.
 */
export function writeIndex(paths: LedgerPaths, index: SegmentIndex): boolean {
  try {
    makeDirectory(paths.index);
    replaceFile(join(paths.index, segmentIndexName(index.first)), encodeSegmentIndex(nodeHashes, index), 'later', 0o600);
    return true;
  } catch (error) {
    if (isDiskFull(error)) return false;
    throw error;
  }
}

/** The index of the segment that begins with `first`; undefined when there is none that can be read. */
export function readIndex(directory: string, first: number): SegmentIndex | undefined {
  const bytes = readIfPresent(join(directory, segmentIndexName(first)), SEGMENT_INDEX_BYTES_MAX + 1);
  try {
    const index = bytes === undefined ? undefined : parseSegmentIndex(nodeHashes, bytes);
    return index?.first === first ? index : undefined;
  } catch (error) {
    if (error instanceof SegmentIndexFormatError) return undefined;
    throw error;
  }
}

/** A segment of the ledger, or a file in its place. */
export interface SegmentOnDisk {
  readonly name: string;
  /** Undefined when the name is not a segment's. */
  readonly first: number | undefined;
  /** Undefined when retention removed the file. */
  readonly bytes: number | undefined;
}

/** What lies in segments/, in order, and the segments that retention removed. */
export function listSegments(paths: LedgerPaths): SegmentOnDisk[] {
  const there = new Set(listDirectory(paths.segments));
  const prunedNames = isPresent(paths.pruned) ? listDirectory(paths.pruned).flatMap((name) => toSegmentName(name) ?? []) : [];
  return [...new Set([...there, ...prunedNames])].toSorted().map((name) => ({
    name,
    first: parseSegmentName(name),
    bytes: there.has(name) ? statSync(join(paths.segments, name)).size : undefined,
  }));
}

/** Name of the segment whose index has this name. */
function toSegmentName(name: string): string | undefined {
  const segment = name.replace(/\.idx$/, '.seg');
  return segment !== name && parseSegmentName(segment) !== undefined ? segment : undefined;
}
