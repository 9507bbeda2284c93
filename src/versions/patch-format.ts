import { toHex } from '../kernel/bytes.ts';
import { fromPlanes, STRIDES, toPlanes } from './byte-planes.ts';
import type { ByteSource } from './byte-source.ts';
import { compress, decompress, type Codec, type Effort, roughBytes } from './compress.ts';
import { consumes, type ContentId, type Op } from './patch.ts';
import { VersionsError } from './versions-error.ts';

/** Patch files, docs/formats/versions.md. */
const MAGIC = Buffer.from('PIPPATCH', 'latin1');
const FORMAT = 1;
const HASH_BYTES = 32;
/** Bytes of ops, of spliced bytes and of masks in a block, each, at most: what a reader of a patch holds at a time. */
export const STREAM_BYTES_MAX = 1024 * 1024;
/** Fixed part of the file and its two lengths. */
const HEADER_BYTES_MAX = MAGIC.length + 1 + 2 * HASH_BYTES + 2 * 8;
/** One byte of codecs, one of the stride, six lengths. */
const BLOCK_HEADER_BYTES_MAX = 2 + 6 * 8;
/** Of the streams of a patch, so many bytes are compressed as well as can be, which takes two seconds; most patches have no more. */
const THOROUGH_BYTES_MAX = 4 * 1024 * 1024;
/** A sample that shows which stride is the best. */
const SAMPLE_BYTES = 32 * 1024;

/** Ops of a block are held as numbers, which take eight times as much memory. */
const OPS_BYTES_MAX = 256 * 1024;
/** Three varints. */
const OP_BYTES_MAX = 3 * 8;

/** Turns ops into the bytes of a patch file, block by block. */
export class PatchEncoder {
  #ops: number[] = [];
  readonly #data = new Column();
  readonly #masks = new Column();
  readonly #planes = new Column();
  #copied = 0;
  #thoroughLeft = THOROUGH_BYTES_MAX;

  /** The file begins with this. */
  static header(from: ContentId, to: ContentId): Uint8Array {
    const lengths: number[] = [];
    putVarint(lengths, from.bytes);
    putVarint(lengths, to.bytes);
    return Buffer.concat([
      MAGIC,
      Uint8Array.of(FORMAT),
      Buffer.from(from.sha256, 'hex'),
      Buffer.from(to.sha256, 'hex'),
      Uint8Array.from(lengths),
    ]);
  }

  /** Takes the next op over, whose bytes the caller may then use again; answers what it filled, to be written on. */
  add(op: Op): Uint8Array[] {
    if (op.kind === 'copy') {
      this.#copied += op.length;
      return [];
    }
    const filled: Uint8Array[] = [];
    const step = op.kind === 'xor' ? STREAM_BYTES_MAX : STREAM_BYTES_MAX / 4;
    const length = op.kind === 'xor' ? op.mask.length : Math.max(op.removed.length, op.inserted.length);
    for (let at = 0; at < length; at += step) {
      filled.push(...(op.kind === 'xor' ? this.#xor(op.mask.subarray(at, at + step)) : this.#splice(op, at, at + step)));
    }
    return filled;
  }

  /** The last block. What no op is about any more is copied. */
  finish(): Uint8Array[] {
    return this.#ops.length === 0 ? [] : this.#block();
  }

  #xor(mask: Uint8Array): Uint8Array[] {
    const full = this.#masks.hasSpace(mask.length) && this.#hasSpace() ? [] : this.#block();
    this.#begin(mask.length * 2 + 1);
    this.#masks.push(mask);
    return full;
  }

  #splice({ removed, inserted }: Op & { kind: 'splice' }, from: number, to: number): Uint8Array[] {
    // Side by side: most replacements resemble what they replace, and cost next to nothing beside it.
    const gone = removed.subarray(from, to);
    const come = inserted.subarray(from, to);
    const full = this.#data.hasSpace(gone.length + come.length) && this.#hasSpace() ? [] : this.#block();
    this.#begin(gone.length * 2);
    putVarint(this.#ops, come.length);
    this.#data.push(gone);
    this.#data.push(come);
    return full;
  }

  #hasSpace(): boolean {
    return this.#ops.length + OP_BYTES_MAX <= OPS_BYTES_MAX;
  }

  #begin(length: number): void {
    putVarint(this.#ops, this.#copied);
    putVarint(this.#ops, length);
    this.#copied = 0;
  }

  #block(): Uint8Array[] {
    const mask = this.#masks.bytes;
    const stride = bestStride(mask);
    toPlanes(mask, stride, this.#planes.sized(mask.length));
    const raws = [Uint8Array.from(this.#ops), this.#data.bytes, this.#planes.bytes];
    const streams = raws.map((raw, i) => compress(raw, this.#effort(raw.length, i === 2 && stride > 1)));
    const head = [streams.reduce((codecs, { codec }, i) => codecs | (codec << (2 * i)), 0), stride];
    for (let i = 0; i < 3; i++) {
      putVarint(head, raws[i].length);
      putVarint(head, streams[i].bytes.length);
    }
    this.#ops = [];
    this.#data.sized(0);
    this.#masks.sized(0);
    // What was not compressed stands where the next block will.
    return [Uint8Array.from(head), ...streams.map(({ codec, bytes }) => (codec === 0 ? new Uint8Array(bytes) : bytes))];
  }

  #effort(bytes: number, isNumeric: boolean): Effort {
    if (isNumeric) return 'numeric';
    this.#thoroughLeft -= bytes;
    return this.#thoroughLeft >= 0 ? 'thorough' : 'quick';
  }
}

/** Bytes of a block, in the same memory for each block. */
class Column {
  #memory = new Uint8Array(0);
  #length = 0;

  get bytes(): Uint8Array {
    return this.#memory.subarray(0, this.#length);
  }

  hasSpace(bytes: number): boolean {
    return this.#length + bytes <= STREAM_BYTES_MAX;
  }

  push(bytes: Uint8Array): void {
    const at = this.#length;
    this.sized(at + bytes.length).set(bytes, at);
  }

  /** Its bytes, made so many. */
  sized(length: number): Uint8Array {
    if (length > this.#memory.length) {
      const larger = new Uint8Array(Math.min(STREAM_BYTES_MAX, Math.max(length, 2 * this.#memory.length)));
      larger.set(this.bytes);
      this.#memory = larger;
    }
    this.#length = length;
    return this.bytes;
  }
}

export interface PatchReader {
  readonly from: ContentId;
  readonly to: ContentId;
  /** In order, without the copy at the end. Each holds a megabyte at most. */
  ops(): AsyncGenerator<Op, void, undefined>;
}

/** Reads a patch file. Nothing of it is believed: throws VersionsError `version-damaged` where it breaks the format. */
export async function openPatch(source: ByteSource): Promise<PatchReader> {
  const head = new Cursor(await source.read(0, HEADER_BYTES_MAX));
  if (Buffer.compare(head.take(MAGIC.length), MAGIC) !== 0) throw damaged('it does not begin as a patch');
  const format = head.take(1)[0];
  if (format !== FORMAT) throw damaged(`its format ${format} is unknown`);
  const hashes = [toHex(head.take(HASH_BYTES)), toHex(head.take(HASH_BYTES))];
  const from = { sha256: hashes[0], bytes: head.varint() };
  const to = { sha256: hashes[1], bytes: head.varint() };
  return { from, to, ops: () => readOps(source, head.at) };
}

async function* readOps(source: ByteSource, begin: number): AsyncGenerator<Op, void, undefined> {
  for (let at = begin; at < source.bytes;) {
    const head = new Cursor(await source.read(at, BLOCK_HEADER_BYTES_MAX));
    const [codecs, stride] = head.take(2);
    if (codecs > 0x3f || !STRIDES.some((known) => known === stride)) throw damaged(`the block at ${at} is of no known kind`);
    const sizes = Array.from({ length: 3 }, () => ({ raw: head.varint(), stored: head.varint() }));
    if (sizes.some(({ raw, stored }) => raw > STREAM_BYTES_MAX || stored > raw)) throw damaged(`the block at ${at} is too large`);
    const body = await source.read(at + head.at, sizes[0].stored + sizes[1].stored + sizes[2].stored);
    const stored = new Cursor(body);
    const [ops, data, planes] = sizes.map((size, i) => inflate(((codecs >> (2 * i)) & 3) as Codec, stored.take(size.stored), size.raw, at));
    yield* readBlock(new Cursor(ops), new Cursor(data), new Cursor(fromPlanes(planes, stride)));
    at += head.at + body.length;
  }
}

function* readBlock(ops: Cursor, data: Cursor, masks: Cursor): Generator<Op, void, undefined> {
  while (ops.left > 0) {
    const copied = ops.varint();
    if (copied > 0) yield { kind: 'copy', length: copied };
    const length = ops.varint();
    // Not by shifting: lengths of contents pass 32 bits, and a made-up one may pass 53.
    const count = Math.floor(length / 2);
    if (length % 2 === 1) yield { kind: 'xor', mask: masks.take(count) };
    else yield { kind: 'splice', removed: data.take(count), inserted: data.take(ops.varint()) };
  }
  if (data.left > 0 || masks.left > 0) throw damaged('a block holds bytes that no op is about');
}

function inflate(codec: Codec, stored: Uint8Array, rawBytes: number, at: number): Uint8Array {
  try {
    return decompress(codec, stored, rawBytes);
  } catch (cause) {
    throw new VersionsError('version-damaged', `the block at ${at} cannot be decompressed`, { cause });
  }
}

/** The width of numbers that the bytes look like. */
function bestStride(bytes: Uint8Array): number {
  const sample = bytes.subarray(0, SAMPLE_BYTES);
  if (sample.length < SAMPLE_BYTES) return 1;
  const sizes = STRIDES.map((stride) => ({ stride, bytes: roughBytes(toPlanes(sample, stride)) }));
  return sizes.reduce((best, next) => (next.bytes < best.bytes ? next : best)).stride;
}

/** Little-endian base 128, at most 2^53 − 1. */
function putVarint(out: number[], value: number): void {
  let left = value;
  for (; left >= 128; left = Math.floor(left / 128)) out.push((left % 128) | 128);
  out.push(left);
}

/** Reads on in bytes that anybody may have written. */
class Cursor {
  at = 0;
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get left(): number {
    return this.#bytes.length - this.at;
  }

  take(length: number): Uint8Array {
    if (length > this.left) throw damaged('it ends too early');
    this.at += length;
    return this.#bytes.subarray(this.at - length, this.at);
  }

  varint(): number {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const [byte] = this.take(1);
      value += (byte & 127) * factor;
      if (!Number.isSafeInteger(value)) throw damaged('a length is too large');
      if (byte < 128) return value;
    }
  }
}

function damaged(what: string): VersionsError {
  return new VersionsError('version-damaged', what);
}

/** For whoever bounds what is held: the bytes that an op holds. */
export function heldBytes(op: Op): number {
  return op.kind === 'splice' ? op.removed.length + op.inserted.length : op.kind === 'xor' ? consumes(op) : 0;
}
