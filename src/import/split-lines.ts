import { Buffer } from 'node:buffer';

/**
 * A longer line is cut into parts, so that an event always fits into an entry (65,415 bytes), however badly its text is to be
 * escaped: line 6 × 7,168 + message 6 × 1,024 + attributes 6 × 3 × 512 + names and the rest < 4,000.
 */
export const LINE_PART_BYTES_MAX = 7168;

const LF = 0x0a;
const CR = 0x0d;

/** A line, or one part of a line too long for an entry. */
export interface RawLine {
  /** 1-based line of the file. */
  readonly number: number;
  /** The line's own bytes, without its terminator (\n or \r\n). */
  readonly bytes: Buffer;
  /** 0 for a whole line; 1, 2, 3 … for the parts of a cut one, which join to the line. */
  readonly part: number;
  readonly isLastPart: boolean;
  /** File offset just past the line and its terminator (past the part, for all parts but the last). */
  readonly endOffset: number;
}

/**
 * Chunks → lines, in constant memory. A lone \r is part of the line; a file's last line needs no terminator, and a final
 * terminator opens no further line. `partBytesMax` bounds what is held of one line.
 */
export async function* splitLines(chunks: AsyncIterable<Uint8Array>, partBytesMax: number = LINE_PART_BYTES_MAX): AsyncGenerator<RawLine> {
  let rest: Buffer = Buffer.alloc(0);
  let offset = 0;
  let number = 1;
  let part = 0;
  for await (const chunk of chunks) {
    const bytes = rest.length === 0 ? Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length) : Buffer.concat([rest, chunk]);
    let at = 0;
    for (;;) {
      const end = bytes.indexOf(LF, at);
      const available = (end < 0 ? bytes.length : end) - at;
      // One byte more than the bound must be there: a \r at the very end may belong to the terminator.
      if (available > partBytesMax + 1 || (available > partBytesMax && end >= 0 && bytes[end - 1] !== CR)) {
        const cut = at + cutLength(bytes.subarray(at, at + partBytesMax));
        offset += cut - at;
        yield { number, bytes: bytes.subarray(at, cut), part: ++part, isLastPart: false, endOffset: offset };
        at = cut;
      } else if (end >= 0) {
        const stop = end > at && bytes[end - 1] === CR ? end - 1 : end;
        offset += end + 1 - at;
        yield { number: number++, bytes: bytes.subarray(at, stop), part: part === 0 ? 0 : part + 1, isLastPart: true, endOffset: offset };
        part = 0;
        at = end + 1;
      } else {
        break;
      }
    }
    rest = bytes.subarray(at);
  }
  if (rest.length === 0 && part === 0) return;
  offset += rest.length;
  yield { number, bytes: rest, part: part === 0 ? 0 : part + 1, isLastPart: true, endOffset: offset };
}

/** A cut never splits a UTF-8 sequence, so that parts of valid text are valid text. */
function cutLength(bytes: Buffer): number {
  const first = Math.max(bytes.length - 4, 1);
  for (let at = bytes.length - 1; at >= first; at--) {
    if ((bytes[at] & 0xc0) === 0x80) continue;
    // A lead byte (11xxxxxx) whose sequence reaches past the end goes to the next part.
    const length = bytes[at] >= 0xf0 ? 4 : bytes[at] >= 0xe0 ? 3 : bytes[at] >= 0xc0 ? 2 : 1;
    return at + length > bytes.length ? at : bytes.length;
  }
  return bytes.length;
}
