import type { MessagePort } from 'node:worker_threads';
import type { JournaledFile, WriteJournal } from './write-journal.ts';

/** A call of the WriteJournal, as it crosses to the watch thread. */
export type JournalMessage =
  | { readonly kind: 'segment'; readonly first: number; readonly from: number; readonly to: number; readonly sha256: string }
  | { readonly kind: 'cut'; readonly first: number; readonly bytes: number }
  | { readonly kind: 'sealed'; readonly first: number; readonly bytes: number }
  | { readonly kind: 'pruned'; readonly first: number }
  | { readonly kind: 'file'; readonly name: JournaledFile; readonly sha256: string };

/**
 * Announces to the watch thread. A message stands in the other port's queue when postMessage returns, so whoever sees a change on the
 * disk finds its announcement there. Posting to a port whose thread is gone does nothing.
 */
export function portJournal(port: MessagePort): WriteJournal {
  const post = (message: JournalMessage): void => port.postMessage(message);
  return {
    segment: (first, from, to, sha256) => post({ kind: 'segment', first, from, to, sha256 }),
    cut: (first, bytes) => post({ kind: 'cut', first, bytes }),
    sealed: (first, bytes) => post({ kind: 'sealed', first, bytes }),
    pruned: (first) => post({ kind: 'pruned', first }),
    file: (name, sha256) => post({ kind: 'file', name, sha256 }),
  };
}
