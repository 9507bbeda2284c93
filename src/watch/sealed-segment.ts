import type { SeqRange } from '../kernel/detection.ts';
import { bytesAt } from './disk.ts';
import type { FileStat } from './file-stat.ts';
import { locateEntries } from './locate-entries.ts';
import { SealedFile, type EntriesOf } from './sealed-file.ts';
import type { Spans } from './spans.ts';

/** A full segment. `spans` is undefined until its content has been checked against the tree. */
export class SealedSegment extends SealedFile {
  readonly first: number;
  /** First leaf of the next segment, when that is known. */
  readonly end: number | undefined;

  constructor(first: number, end: number | undefined, path: string, base: FileStat, spans: Spans | undefined) {
    super(path, base, spans, entriesOf(first, end, base.size));
    this.first = first;
    this.end = end;
  }
}

function entriesOf(first: number, end: number | undefined, bytes: number): EntriesOf {
  const last = end === undefined ? null : end - 1;
  return {
    all: { first, last },
    locate(file, fileBytes, from, to): SeqRange {
      const found = locateEntries(bytesAt(file), first, fileBytes, from, to);
      return to >= bytes && last !== null ? { first: found.first, last } : found;
    },
  };
}
