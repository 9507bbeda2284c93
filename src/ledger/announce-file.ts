import { hash } from 'node:crypto';
import { NO_JOURNAL, type JournaledFile, type WriteJournal } from './write-journal.ts';

/** Tells the watch which content a file will have; nobody listening costs nothing. */
export function announceFile(journal: WriteJournal, name: JournaledFile, content: Uint8Array | string): void {
  if (journal !== NO_JOURNAL) journal.file(name, hash('sha256', content, 'latin1'));
}
