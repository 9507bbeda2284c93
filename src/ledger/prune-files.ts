import { closeSync, fsyncSync, openSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { segmentName } from '../kernel/leaf.ts';
import { errorCode, isDiskFull, isPresent, makeDirectory, removeFile, syncDirectory } from './files.ts';
import { listSegments, readIndex } from './index-files.ts';
import type { LedgerPaths } from './paths.ts';
import type { Pruning } from './pruning.ts';
import { segmentIndexName } from './segment-index.ts';
import type { WriteJournal } from './write-journal.ts';

/** chattr takes milliseconds, on a busy machine a second. */
const PAUSE_MS = 250;
const ATTEMPTS_MAX = 40;

/**
 * Removes the segments that a durable entry states as pruned, but never the first, and keeps their index in pruned/. The index is durable
 * there before its segment goes, so dying anywhere leaves each segment whole or its index, and the next start finishes. A segment without
 * an index stays. False when a file could not be removed yet: the watch takes the immutable flag off as soon as it hears of the removal.
 */
function removeStated(paths: LedgerPaths, { before }: Pruning, journal: WriteJournal): boolean {
  const due = listSegments(paths).flatMap(({ first, bytes }) =>
    first !== undefined && first > 0 && first < before && bytes !== undefined ? first : [],
  );
  if (due.length === 0) return true;
  makeDirectory(paths.pruned);
  const kept = due.filter((first) => keepIndex(paths, first, journal));
  syncDirectory(paths.pruned);
  if (isPresent(paths.index)) syncDirectory(paths.index);
  const held = kept.filter((first) => !removeUnlessHeld(join(paths.segments, segmentName(first))));
  syncDirectory(paths.segments);
  return held.length === 0;
}

/**
 * Tries again while files are held, or the disk is too full to move an index; false when that is still so after a while, which the next
 * pruning and the next start make good.
 */
export async function pruneUntilDone(paths: LedgerPaths, pruning: Pruning, journal: WriteJournal, signal: AbortSignal): Promise<boolean> {
  for (let attempt = 1; ; attempt++) {
    if (signal.aborted || finishPruning(paths, pruning, journal)) return true;
    if (attempt === ATTEMPTS_MAX) return false;
    await sleep(PAUSE_MS, undefined, { signal }).catch(() => undefined);
  }
}

/** As much of it as a full disk allows; false when something is left to do. */
export function finishPruning(paths: LedgerPaths, pruning: Pruning, journal: WriteJournal): boolean {
  try {
    return removeStated(paths, pruning, journal);
  } catch (error) {
    if (isDiskFull(error)) return false;
    throw error;
  }
}

function removeUnlessHeld(path: string): boolean {
  try {
    removeFile(path);
    return true;
  } catch (error) {
    if (errorCode(error) === 'EPERM') return false;
    throw error;
  }
}

/** Announces the removal before it moves the index: from then on both files may be gone. */
function keepIndex(paths: LedgerPaths, first: number, journal: WriteJournal): boolean {
  const isKept = readIndex(paths.pruned, first) !== undefined;
  if (!isKept && readIndex(paths.index, first) === undefined) return false;
  journal.pruned(first);
  if (isKept) return true;
  const path = join(paths.index, segmentIndexName(first));
  const fd = openSync(path, 'r');
  try {
    // It was written without a sync, as a cache; from now on it is all that is left of the segment.
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(path, join(paths.pruned, segmentIndexName(first)));
  return true;
}
