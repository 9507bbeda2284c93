import type { Leaf } from '../kernel/leaf.ts';
import { NoteFormatError, parseCheckpoint } from '../kernel/note.ts';
import { LedgerError } from '../ledger/ledger-error.ts';
import type { OfflineReader } from '../ledger/open-reader.ts';
import type { LedgerReader } from '../ledger/ports.ts';
import type { CommandIo } from './command.ts';
import type { EntryFilter } from './entry-filter.ts';
import { toSafeText } from './safe-text.ts';
import { toEntryView, type EntryView } from './entry-view.ts';

/** `tail` looks back in steps of this many entries. */
const STEP_BACK_ENTRIES = 4096;

/** Entries that pass the filter, oldest first; `onRemoved` is told where entries are missing because retention removed them. */
export async function* filteredEntries(
  reader: LedgerReader,
  filter: EntryFilter,
  onRemoved: (message: string) => void,
): AsyncGenerator<EntryView> {
  let next = filter.firstSeq;
  let fromNs = filter.fromNs;
  // Each turn but the last ends where removed entries begin, and the next one begins where they end.
  for (;;) {
    try {
      for await (const leaf of reader.leaves(Math.max(next, await reader.firstAtOrAfter(fromNs)), filter.endSeq)) {
        // Times never decrease along a ledger.
        if (leaf.timeNs >= filter.toNs) return;
        const entry = toEntryView(leaf);
        if (leaf.timeNs >= filter.fromNs && filter.matches(entry)) yield entry;
      }
      return;
    } catch (error) {
      if (!(error instanceof LedgerError) || error.goesOnAt === undefined) throw error;
      onRemoved(error.message);
      next = error.goesOnAt;
      // Looking for the time again would lead into the removed entries again.
      fromNs = 0n;
    }
  }
}

/** The last `count` entries that pass the filter, oldest first. */
export async function lastEntries(reader: LedgerReader, filter: EntryFilter, count: number): Promise<EntryView[]> {
  let found: EntryView[] = [];
  let end = Math.min(filter.endSeq, reader.head().size);
  while (end > filter.firstSeq && found.length < count) {
    const start = Math.max(filter.firstSeq, end - STEP_BACK_ENTRIES);
    const block: EntryView[] = [];
    let oldestNs: bigint | undefined;
    for await (const leaf of keptLeaves(reader, start, end)) {
      oldestNs ??= leaf.timeNs;
      const entry = toEntryView(leaf);
      if (filter.matches(entry)) block.push(entry);
    }
    found = [...block, ...found];
    if (oldestNs !== undefined && oldestNs < filter.fromNs) break;
    end = start;
  }
  return count === 0 ? [] : found.slice(-count);
}

/** What is left of [first, end): a removed part is always below what is kept, but for the first segment. */
async function* keptLeaves(reader: LedgerReader, first: number, end: number): AsyncGenerator<Leaf> {
  try {
    yield* reader.leaves(first, end);
  } catch (error) {
    if (!(error instanceof LedgerError) || error.goesOnAt === undefined) throw error;
    yield* reader.leaves(error.goesOnAt, end);
  }
}

/** For `filteredEntries`: a gap is no fault, and must not look like none. */
export function warnOfRemoved(io: CommandIo): (message: string) => void {
  return (message) => void io.stderr.write(`note: ${toSafeText(message)}\n`);
}

/** The reading commands judge nothing, but a ledger that is visibly cut must not look whole. */
export function warnIfCut(reader: OfflineReader, io: CommandIo): void {
  if (reader.stopped !== undefined)
    io.stderr.write(`warning: reading stopped at ${toSafeText(reader.stopped)}; run "pproofs log verify"\n`);
  const { size, checkpoint } = reader.head();
  try {
    const signed = parseCheckpoint(checkpoint).size;
    if (signed > size)
      io.stderr.write(`warning: ${size} entries can be read, but the checkpoint speaks of ${signed}; run "pproofs log verify"\n`);
  } catch (error) {
    if (!(error instanceof NoteFormatError)) throw error;
    io.stderr.write('warning: the checkpoint is missing or malformed; run "pproofs log verify"\n');
  }
}
