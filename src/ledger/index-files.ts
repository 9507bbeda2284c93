import { statSync } from 'node:fs';
import { join } from 'node:path';
import { toHex } from '../kernel/bytes.ts';
import { HASH_BYTES } from '../kernel/hashes.ts';
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
 * Writes index/<first>.idx and answers its checksum. Not synced: a file that a power cut leaves empty or torn fails the checksum, and is
 * made again. Undefined when the disk is too full for it, which the next start makes good.
 */
export function writeIndex(paths: LedgerPaths, index: SegmentIndex): string | undefined {
  const encoded = encodeSegmentIndex(nodeHashes, index);
  try {
    makeDirectory(paths.index);
    replaceFile(join(paths.index, segmentIndexName(index.first)), encoded, 'later', 0o600);
    return checksumOf(encoded);
  } catch (error) {
    if (isDiskFull(error)) return undefined;
    throw error;
  }
}

/** Hex of the SHA-256 that an index ends with. */
export function checksumOf(encoded: Uint8Array): string {
  return toHex(encoded.subarray(-HASH_BYTES));
}

/** The index of the segment that begins with `first`; undefined when there is none that can be read. */
export function readIndex(directory: string, first: number): SegmentIndex | undefined {
  return readStoredIndex(directory, first)?.index;
}

export interface StoredIndex {
  readonly index: SegmentIndex;
  readonly checksum: string;
}

/** The same with the checksum that it has. */
export function readStoredIndex(directory: string, first: number): StoredIndex | undefined {
  const bytes = readIfPresent(join(directory, segmentIndexName(first)), SEGMENT_INDEX_BYTES_MAX + 1);
  if (bytes === undefined) return undefined;
  try {
    const index = parseSegmentIndex(nodeHashes, bytes);
    return index.first === first ? { index, checksum: checksumOf(bytes) } : undefined;
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
