import { NoteFormatError, parseCheckpoint } from '../kernel/note.ts';
import type { OfflineReader } from '../ledger/open-reader.ts';
import type { LedgerReader } from '../ledger/ports.ts';
import type { CommandIo } from './command.ts';
import type { EntryFilter } from './entry-filter.ts';
import { toSafeText } from './safe-text.ts';
import { toEntryView, type EntryView } from './entry-view.ts';

/** `tail` looks back in steps of this many entries. */
const STEP_BACK_ENTRIES = 4096;

/** Entries that pass the filter, oldest first. */
export async function* filteredEntries(reader: LedgerReader, filter: EntryFilter): AsyncGenerator<EntryView> {
  const first = Math.max(filter.firstSeq, await reader.firstAtOrAfter(filter.fromNs));
  for await (const leaf of reader.leaves(first, filter.endSeq)) {
    // Times never decrease along a ledger.
    if (leaf.timeNs >= filter.toNs) return;
    const entry = toEntryView(leaf);
    if (filter.matches(entry)) yield entry;
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
    for await (const leaf of reader.leaves(start, end)) {
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
