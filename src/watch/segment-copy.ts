import { FRAME_PREFIX_BYTES, LEAF_BYTES_MAX, SEGMENT_BYTES_TARGET, TILE_WIDTH } from '../kernel/leaf.ts';
import { readFully, READ_BYTES, type OpenFile } from './disk.ts';
import type { ExpectedSegment } from './expected-segment.ts';
import { byteRange, type Finding } from './finding.ts';
import { locateEntries, type BytesAt } from './locate-entries.ts';
import { digestBytes, SpanBuilder, type Spans } from './spans.ts';

/** The longest a segment can get: one block past its target. Only what is used is ever resident. */
export const SEGMENT_BYTES_MAX = SEGMENT_BYTES_TARGET + TILE_WIDTH * (FRAME_PREFIX_BYTES + LEAF_BYTES_MAX);

/** Buffers of segments that were sealed serve the next ones: at full rate one is needed every half second. */
const spare: Buffer[] = [];
const SPARE_MAX = 2;

export function takeBuffer(): Buffer {
  return spare.pop() ?? Buffer.allocUnsafeSlow(SEGMENT_BYTES_MAX);
}

export function giveBuffer(buffer: Buffer): void {
  if (spare.length < SPARE_MAX) spare.push(buffer);
}

const scratch = Buffer.allocUnsafeSlow(READ_BYTES);

/**
 * What the writer wrote to one segment, held in memory. Each announced piece is compared with its digest once; from then on the file
 * is compared with the copy, ten times cheaper than hashing it: the only way to tell a foreign edit among our own writes.
 */
export class SegmentCopy {
  readonly #expected: ExpectedSegment;
  readonly #buffer = takeBuffer();
  /** The copy holds the file's bytes below this. */
  #bytes = 0;
  #spans = new SpanBuilder();

  constructor(expected: ExpectedSegment) {
    this.#expected = expected;
  }

  /** Bytes taken over so far. */
  get bytes(): number {
    return this.#bytes;
  }

  cut(bytes: number): void {
    this.#bytes = Math.min(this.#bytes, bytes);
    this.#spans.cut(bytes);
  }

  /** What differs from the copy, as far as the file goes; undefined when nothing does. Afterwards the copy is as the file. */
  compare(file: OpenFile, isStillExpected: () => boolean): Finding | undefined {
    let [from, to] = [-1, -1];
    for (let at = 0; at < this.#bytes; at += READ_BYTES) {
      const count = readFully(file, scratch, 0, Math.min(READ_BYTES, this.#bytes - at), at);
      if (scratch.compare(this.#buffer, at, at + count, 0, count) !== 0) {
        const [first, last] = differing(scratch, this.#buffer.subarray(at, at + count));
        if (from < 0) from = at + first;
        to = at + last + 1;
      }
      if (count < READ_BYTES) break;
    }
    if (from < 0 || !isStillExpected()) return undefined;
    const seqs = locateEntries(this.#bytesAt(), this.#expected.first, this.#bytes, from, to);
    const finding = this.#describe(file, from, to, seqs, 'are not what was written');
    readFully(file, this.#buffer, from, to - from, from);
    this.#forgetDigests();
    return finding;
  }

  /** Takes over what a start found, unchecked: recovery has just been through it. */
  takeBase(file: OpenFile): void {
    const { baseBytes } = this.#expected;
    if (this.#bytes >= baseBytes || readFully(file, this.#buffer, 0, baseBytes, 0) < baseBytes) return;
    this.#bytes = baseBytes;
    this.#spans.add(0, baseBytes, undefined);
  }

  /**
   * Takes over what was announced since the last time. Pieces below `made` have been written, so a digest that is not theirs is a
   * finding; the one after them may be under way.
   */
  takePieces(file: OpenFile, made: number, isStillExpected: () => boolean): Finding | undefined {
    for (let piece = this.#expected.nextPiece(); piece !== undefined; piece = this.#expected.nextPiece()) {
      const { from, to, sha256 } = piece;
      // A hole in the announcements can only be a start that has not been taken over yet.
      if (from !== this.#bytes) return undefined;
      const isWhole = readFully(file, this.#buffer, from, to - from, from) === to - from;
      const isGood = isWhole && digestBytes(this.#buffer.subarray(from, to)) === sha256;
      if (!isGood && (!isWhole || to > made || !isStillExpected())) return undefined;
      this.#expected.shiftPiece();
      this.#bytes = to;
      this.#spans.add(from, to, isGood ? sha256 : undefined);
      if (isGood) continue;
      const seqs = locateEntries(this.#bytesAt(), this.#expected.first, to, from, to);
      const finding = this.#describe(file, from, to, seqs, 'have not the digest that was announced for them');
      this.#forgetDigests();
      return finding;
    }
    return undefined;
  }

  /** The entries in bytes [from, to), by the good copy. */
  locate(from: number, to: number): Finding['seqs'] {
    return to <= this.#bytes ? locateEntries(this.#bytesAt(), this.#expected.first, this.#bytes, from, to) : null;
  }

  buildSpans(): Spans {
    return this.#spans.build((from, to) => digestBytes(this.#buffer.subarray(from, to)));
  }

  /** Gives the buffer away: the copy must not be used again. */
  release(): void {
    giveBuffer(this.#buffer);
  }

  #describe(file: OpenFile, from: number, to: number, seqs: Finding['seqs'], what: string): Finding {
    const there = Buffer.allocUnsafe(Math.min(READ_BYTES, to - from));
    const count = readFully(file, there, 0, there.length, from);
    const digest = Buffer.from(digestBytes(there.subarray(0, count)), 'latin1').toString('hex');
    const evidence = `bytes ${from} to ${to - 1} ${what}; SHA-256 of the first ${count} of them as they are now: ${digest}`;
    return { kind: 'content', bytes: byteRange(from, to), seqs, evidence };
  }

  /** The announced digests are not those of what stands there now: what was reported once is the state to go on from. */
  #forgetDigests(): void {
    this.#spans = new SpanBuilder();
    for (let from = 0; from < this.#bytes; from += READ_BYTES) this.#spans.add(from, Math.min(this.#bytes, from + READ_BYTES), undefined);
  }

  #bytesAt(): BytesAt {
    return (offset, length) => this.#buffer.subarray(offset, Math.min(this.#bytes, offset + length));
  }
}

/** First and last index at which two different runs of bytes differ. */
function differing(a: Uint8Array, b: Uint8Array): readonly [number, number] {
  let first = 0;
  while (a[first] === b[first]) first++;
  let last = b.length - 1;
  while (a[last] === b[last]) last--;
  return [first, last];
}
