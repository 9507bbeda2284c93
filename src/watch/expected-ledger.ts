import type { JournalMessage } from '../ledger/port-journal.ts';
import type { JournaledFile } from '../ledger/write-journal.ts';
import { ExpectedFile } from './expected-file.ts';
import { ExpectedSegment } from './expected-segment.ts';

/** What the writer has announced: the only reason for which anything below the data folder may change. Pure. */
export class ExpectedLedger {
  readonly files: Readonly<Record<JournaledFile, ExpectedFile>> = {
    checkpoint: new ExpectedFile(),
    watermark: new ExpectedFile(),
    'epoch-key': new ExpectedFile(),
  };
  /** Segments the writer has written to since the watch took over the last one; they leave when they are sealed and settled. */
  readonly written = new Map<number, ExpectedSegment>();
  /** Segments that retention may be removing; they leave when they are gone. */
  readonly pruned = new Set<number>();
  /** Segments whose index retention moves away; they leave when that has been seen. */
  readonly movedIndexes = new Set<number>();
  /** Told at each announcement of a removal. */
  onPruned: (first: number) => void = () => undefined;
  /** Of the change that may be under way. */
  #pending: ExpectedSegment | undefined;

  apply(message: JournalMessage): void {
    // The writer makes one change after the other, so whatever it announced before has been made.
    this.#pending?.settle();
    this.#pending = undefined;
    if (message.kind === 'file') this.files[message.name].announce(message.sha256);
    else if (message.kind === 'pruned') {
      this.pruned.add(message.first);
      this.movedIndexes.add(message.first);
      this.onPruned(message.first);
    } else if (message.kind === 'cut') this.#segment(message.first, message.bytes).cut(message.bytes);
    else if (message.kind === 'sealed') this.#segment(message.first, message.bytes).sealedBytes = message.bytes;
    else {
      const segment = this.#segment(message.first, message.from);
      segment.announce(message);
      this.#pending = segment;
    }
  }

  /** A segment that a start found and nobody has announced yet: its first `bytes` bytes are believed. */
  takeOver(first: number, bytes: number): void {
    this.#segment(first, bytes);
  }

  #segment(first: number, baseBytes: number): ExpectedSegment {
    const known = this.written.get(first);
    if (known !== undefined) return known;
    // What a start took over and never wrote to was full: there is nothing to close, so nobody says that it is sealed.
    for (const older of this.written.values()) if (older.end === older.baseBytes) older.sealedBytes ??= older.baseBytes;
    const segment = new ExpectedSegment(first, baseBytes);
    this.written.set(first, segment);
    return segment;
  }
}
