import type { ByteSource } from './byte-source.ts';

/** Bytes that are read at a time: of two contents this is what is held. */
export const WINDOW_BYTES = 512 * 1024;
/** What a window may begin before its own bytes. */
export const OVERLAP_BYTES_MAX = 64;

/** A content that is gone through many times in one buffer. */
export class WindowedContent {
  readonly #source: ByteSource;
  readonly #buffer: Uint8Array;

  constructor(source: ByteSource) {
    this.#source = source;
    this.#buffer = new Uint8Array(Math.min(WINDOW_BYTES + OVERLAP_BYTES_MAX, source.bytes));
  }

  /** At most WINDOW_BYTES and OVERLAP_BYTES_MAX, and only until the next call: whoever keeps something copies it. */
  window(position: number, length: number): Promise<Uint8Array> {
    return this.#source.readInto(this.#buffer.subarray(0, length), position);
  }
}

/** A stretch of a content, `to` excluded. */
export interface Span {
  readonly content: WindowedContent;
  readonly from: number;
  readonly to: number;
}

/** The same stretch of both, counted from their beginnings. */
export function windows(old: Span, now: Span, at: number, length: number): Promise<[old: Uint8Array, now: Uint8Array]> {
  return Promise.all([old.content.window(old.from + at, length), now.content.window(now.from + at, length)]);
}

/** The first read of a comparison, which most often ends soon. */
const FIRST_BYTES = 4 * 1024;
/** Compared at once; a block that differs is then gone through byte by byte. */
const BLOCK_BYTES = 4 * 1024;

/** Bytes that both spans begin with. */
export async function commonStart(old: Span, now: Span): Promise<number> {
  const bytes = Math.min(old.to - old.from, now.to - now.from);
  for (let at = 0, step = FIRST_BYTES; at < bytes; at += step, step = Math.min(step * 4, WINDOW_BYTES)) {
    const length = Math.min(step, bytes - at);
    const [a, b] = await windows(old, now, at, length);
    const same = sameStart(a, b);
    if (same < length) return at + same;
  }
  return bytes;
}

/** Bytes that both spans end with. */
export async function commonEnd(old: Span, now: Span): Promise<number> {
  const bytes = Math.min(old.to - old.from, now.to - now.from);
  for (let at = 0, step = FIRST_BYTES; at < bytes; at += step, step = Math.min(step * 4, WINDOW_BYTES)) {
    const length = Math.min(step, bytes - at);
    const [a, b] = await Promise.all([old.content.window(old.to - at - length, length), now.content.window(now.to - at - length, length)]);
    const same = sameEnd(a, b);
    if (same < length) return at + same;
  }
  return bytes;
}

/** How many of the first bytes are the same. */
export function sameStart(a: Uint8Array, b: Uint8Array): number {
  const bytes = Math.min(a.length, b.length);
  let at = 0;
  while (at + BLOCK_BYTES <= bytes && Buffer.compare(a.subarray(at, at + BLOCK_BYTES), b.subarray(at, at + BLOCK_BYTES)) === 0)
    at += BLOCK_BYTES;
  while (at < bytes && a[at] === b[at]) at++;
  return at;
}

/** How many of the last bytes are the same. */
export function sameEnd(a: Uint8Array, b: Uint8Array): number {
  const bytes = Math.min(a.length, b.length);
  const [lastA, lastB] = [a.length - 1, b.length - 1];
  let at = 0;
  while (
    at + BLOCK_BYTES <= bytes &&
    Buffer.compare(a.subarray(a.length - at - BLOCK_BYTES, a.length - at), b.subarray(b.length - at - BLOCK_BYTES, b.length - at)) === 0
  )
    at += BLOCK_BYTES;
  while (at < bytes && a[lastA - at] === b[lastB - at]) at++;
  return at;
}
