/** Files beside the segments that the writer replaces or rewrites. */
export type JournaledFile = 'checkpoint' | 'watermark' | 'epoch-key';

/**
 * What the writer tells the watch about its own changes, always before it makes them: a change that was not announced is not ours.
 * An announcement also says that all changes announced before it have been made, so at most one is under way. At start the writer
 * announces what it took over: an empty piece at the end of the active segment, and the content of each file.
 * Digests are SHA-256 as latin1 strings. Calls are cheap and never throw: they post to the watch thread and do not wait for it.
 */
export interface WriteJournal {
  /** The bytes [from, to) of the segment are about to be written; its length will be `to`. */
  segment(first: number, from: number, to: number, sha256: string): void;
  /** The segment is about to be cut back to `bytes` (a group that could not be written), or removed when `bytes` is 0. */
  cut(first: number, bytes: number): void;
  /** The segment is full and synced; its descriptor is closed and it will not be written again. */
  sealed(first: number, bytes: number): void;
  /** The segment is about to be removed or moved by retention. */
  pruned(first: number): void;
  /**
   * The file will next have content with this digest (of the whole file). Until then it has that of the call before. When the change
   * failed (full disk) and the old content stays, the old digest is announced again before anything else.
   */
  file(name: JournaledFile, sha256: string): void;
}

/** For ledgers that nobody watches. */
export const NO_JOURNAL: WriteJournal = {
  segment: () => undefined,
  cut: () => undefined,
  sealed: () => undefined,
  pruned: () => undefined,
  file: () => undefined,
};
