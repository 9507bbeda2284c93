import { hash } from 'node:crypto';
import { closeSync, fdatasync, fdatasyncSync, ftruncateSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { assertInvariant } from '../kernel/errors.ts';
import { segmentName } from '../kernel/leaf.ts';
import { removeFile, syncDirectory, writeAll } from './files.ts';
import { LedgerError } from './ledger-error.ts';
import type { Piece } from './ledger-state.ts';
import { NO_JOURNAL, type WriteJournal } from './write-journal.ts';

/** A file that a group has begun to be written to, and where. */
interface Begun {
  readonly fd: number;
  readonly first: number;
  readonly offset: number;
  readonly isNew: boolean;
}

interface OpenSegment {
  readonly first: number;
  /** Written so far. */
  bytes: number;
}

/** The open segment files of the writer. Owned by the writer thread. */
export class SegmentFiles {
  readonly #directory: string;
  readonly #journal: WriteJournal;
  readonly #open = new Map<number, OpenSegment>();
  #first: number;
  #fd: number | undefined;
  /** Descriptors with writes that no fdatasync has covered yet. */
  readonly #unsynced = new Set<number>();
  /** The group that was written last, and what was open before it. */
  #last: { readonly begun: readonly Begun[]; readonly first: number; readonly fd: number | undefined } | undefined;

  constructor(directory: string, active: { readonly first: number; readonly bytes: number }, journal: WriteJournal) {
    this.#directory = directory;
    this.#first = active.first;
    this.#journal = journal;
    // What was taken over, for whoever watches: the active segment ends here.
    this.#announce(active.first, active.bytes, Buffer.alloc(0));
  }

  /**
   * Writes the frames of one group. When it throws, nothing of the group stays: files are cut back and new ones removed, so the
   * caller may go on (disk full) or end the process. Dying in here leaves frames beyond the watermark, which recovery judges.
   */
  write(group: Buffer, pieces: readonly Piece[]): void {
    const begun: Begun[] = [];
    const previous = { first: this.#first, fd: this.#fd, begun };
    this.#last = undefined;
    try {
      for (const piece of pieces) {
        const isNew = piece.fileOffset === 0;
        const bytes = group.subarray(piece.from, piece.to);
        this.#announce(piece.segmentFirst, piece.fileOffset, bytes);
        const fd = isNew ? this.#create(piece.segmentFirst) : this.#active(piece.segmentFirst);
        begun.push({ fd, first: piece.segmentFirst, offset: piece.fileOffset, isNew });
        this.#unsynced.add(fd);
        this.#open.set(fd, { first: piece.segmentFirst, bytes: piece.fileOffset + bytes.length });
        writeAll(fd, bytes, piece.fileOffset);
      }
    } catch (error) {
      this.#undoAll(begun, error);
      this.#first = previous.first;
      this.#fd = previous.fd;
      throw error;
    }
    this.#last = previous;
  }

  /** Cuts off the group that was written last, as if it had met a full disk. Only until a sync that begins after it. */
  takeBack(cause: unknown): void {
    assertInvariant(this.#last !== undefined, 'only a group that was written can be taken back');
    const { begun, first, fd } = this.#last;
    this.#last = undefined;
    this.#undoAll(begun, cause);
    this.#first = first;
    this.#fd = fd;
  }

  /** Whatever goes wrong in here is final: what stays of the group is then for recovery to judge, and nobody may be told that it is gone. */
  #undoAll(begun: readonly Begun[], writeError: unknown): void {
    try {
      for (const file of begun.toReversed()) this.#undo(file);
    } catch (undoError) {
      const reason = undoError instanceof Error ? undoError.message : String(undoError);
      throw new LedgerError('failed', `a group that could not be written could not be cut back either: ${reason}`, { cause: writeError });
    }
  }

  /** Durably: a producer that is told "nothing was stored" may send again, and a power cut must not bring the first copy back. */
  #undo(file: Begun): void {
    this.#journal.cut(file.first, file.offset);
    this.#open.set(file.fd, { first: file.first, bytes: file.offset });
    ftruncateSync(file.fd, file.offset);
    fdatasyncSync(file.fd);
    if (!file.isNew) return;
    this.#unsynced.delete(file.fd);
    this.#open.delete(file.fd);
    closeSync(file.fd);
    removeFile(join(this.#directory, segmentName(file.first)));
    syncDirectory(this.#directory);
  }

  #active(first: number): number {
    this.#fd ??= openSync(join(this.#directory, segmentName(first)), 'r+');
    return this.#fd;
  }

  #create(first: number): number {
    const path = join(this.#directory, segmentName(first));
    let fd: number | undefined;
    try {
      fd = openSync(path, 'wx', 0o600);
      syncDirectory(this.#directory);
    } catch (error) {
      // Announced and never begun, so nobody else takes the announcement back.
      this.#journal.cut(first, 0);
      if (fd !== undefined) {
        closeSync(fd);
        removeFile(path);
      }
      throw error;
    }
    // The next sync closes the full segment, also when its last write has been synced already.
    if (this.#fd !== undefined) this.#unsynced.add(this.#fd);
    this.#first = first;
    this.#fd = fd;
    return fd;
  }

  /** Makes all writes so far durable; closes segments that take no more. A failure is final: the caller must end the process. */
  async sync(): Promise<void> {
    const fds = [...this.#unsynced];
    this.#unsynced.clear();
    await Promise.all(fds.map(fdatasyncAsync));
    // A full segment may have been written again while this ran: then the next sync closes it.
    for (const fd of fds) if (fd !== this.#fd && !this.#unsynced.has(fd)) this.#seal(fd);
  }

  #seal(fd: number): void {
    const segment = this.#open.get(fd);
    this.#open.delete(fd);
    closeSync(fd);
    if (segment !== undefined) this.#journal.sealed(segment.first, segment.bytes);
  }

  #announce(first: number, from: number, bytes: Uint8Array): void {
    if (this.#journal !== NO_JOURNAL) this.#journal.segment(first, from, from + bytes.length, hash('sha256', bytes, 'latin1'));
  }

  close(): void {
    if (this.#fd === undefined) return;
    fdatasyncSync(this.#fd);
    closeSync(this.#fd);
    this.#fd = undefined;
  }
}

export function fdatasyncAsync(fd: number): Promise<void> {
  return new Promise((resolve, reject) => {
    fdatasync(fd, (error) => {
      if (error === null) resolve();
      else reject(error);
    });
  });
}
