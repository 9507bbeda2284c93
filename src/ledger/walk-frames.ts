import { closeSync, fstatSync, openSync } from 'node:fs';
import { readU16 } from '../kernel/bytes.ts';
import { FRAME_PREFIX_BYTES, LEAF_BYTES_MAX } from '../kernel/leaf.ts';
import { readAt } from './files.ts';

/** Read size of a walk: more than any frame, small enough to keep memory flat. */
const CHUNK_BYTES = 4 * 1024 * 1024;

/** What stopped a walk before the end of the file. */
export interface WalkEnd {
  readonly offset: number;
  readonly reason: string;
  /** The bytes simply stop here. */
  readonly isEndOfFile: boolean;
}

/**
 * Hands over the frames of one segment file in order. `onFrame` gets a view that it may scribble on and that the next call overwrites; a
 * returned reason stops the walk. Answers undefined when every byte was taken.
 */
export function walkFrames(path: string, onFrame: (frame: Buffer, offset: number) => string | undefined): WalkEnd | undefined {
  const fd = openSync(path, 'r');
  try {
    const fileBytes = fstatSync(fd).size;
    if (fileBytes === 0) return { offset: 0, reason: 'the segment is empty', isEndOfFile: true };
    let chunk: Buffer = Buffer.alloc(0);
    let chunkAt = 0;
    for (let offset = 0; offset < fileBytes;) {
      if (chunkAt + chunk.length - offset < FRAME_PREFIX_BYTES + LEAF_BYTES_MAX && chunkAt + chunk.length < fileBytes) {
        chunk = readAt(fd, offset, CHUNK_BYTES);
        chunkAt = offset;
      }
      const at = offset - chunkAt;
      const left = chunk.length - at;
      const frameBytes = left < FRAME_PREFIX_BYTES ? FRAME_PREFIX_BYTES : FRAME_PREFIX_BYTES + readU16(chunk, at);
      if (left < frameBytes) return { offset, reason: 'the file ends inside an entry', isEndOfFile: true };
      const reason = onFrame(chunk.subarray(at, at + frameBytes), offset);
      if (reason !== undefined) return { offset, reason, isEndOfFile: false };
      offset += frameBytes;
    }
    return undefined;
  } finally {
    closeSync(fd);
  }
}
