import { closeSync, fdatasync, fdatasyncSync, ftruncateSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { segmentName } from '../kernel/leaf.ts';
import { removeFile, syncDirectory, writeAll } from './files.ts';
import type { Piece } from './ledger-state.ts';

/** The open segment files of the writer. Owned by the writer thread. */
export class SegmentFiles {
  readonly #directory: string;
  #first: number;
  #fd: number | undefined;
  /** Descriptors with writes that no fdatasync has covered yet. */
  readonly #unsynced = new Set<number>();

  constructor(directory: string, activeFirst: number) {
    this.#directory = directory;
    this.#first = activeFirst;
  }

  /**
   * Writes the frames of one group. When it throws, nothing of the group stays: files are cut back and new ones removed, so the
   * caller may go on (disk full) or end the process. Dying in here leaves frames beyond the watermark, which recovery judges.
   */
  write(group: Buffer, pieces: readonly Piece[]): void {
    const begun: { fd: number; first: number; offset: number; isNew: boolean }[] = [];
    const previous = { first: this.#first, fd: this.#fd };
    try {
      for (const piece of pieces) {
        const isNew = piece.fileOffset === 0;
        const fd = isNew ? this.#create(piece.segmentFirst) : this.#active(piece.segmentFirst);
        begun.push({ fd, first: piece.segmentFirst, offset: piece.fileOffset, isNew });
        this.#unsynced.add(fd);
        writeAll(fd, group.subarray(piece.from, piece.to), piece.fileOffset);
      }
    } catch (error) {
      for (const file of begun.toReversed()) this.#undo(file);
      this.#first = previous.first;
      this.#fd = previous.fd;
      throw error;
    }
  }

  #undo(file: { fd: number; first: number; offset: number; isNew: boolean }): void {
    ftruncateSync(file.fd, file.offset);
    if (!file.isNew) return;
    this.#unsynced.delete(file.fd);
    closeSync(file.fd);
    removeFile(join(this.#directory, segmentName(file.first)));
  }

  #active(first: number): number {
    this.#fd ??= openSync(join(this.#directory, segmentName(first)), 'r+');
    return this.#fd;
  }

  #create(first: number): number {
    const path = join(this.#directory, segmentName(first));
    const fd = openSync(path, 'wx', 0o600);
    try {
      syncDirectory(this.#directory);
    } catch (error) {
      closeSync(fd);
      removeFile(path);
      throw error;
    }
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
    for (const fd of fds) if (fd !== this.#fd && !this.#unsynced.has(fd)) closeSync(fd);
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
