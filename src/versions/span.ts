import type { ByteSource } from './byte-source.ts';

/** A stretch of a content, `to` excluded. */
export interface Span {
  readonly source: ByteSource;
  readonly from: number;
  readonly to: number;
}

/** Bytes that are read at a time: of two contents this is what is held. */
export const WINDOW_BYTES = 512 * 1024;
/** The first read of a comparison, which most often ends soon. */
const FIRST_BYTES = 4 * 1024;
/** Compared at once; a block that differs is then gone through byte by byte. */
const BLOCK_BYTES = 4 * 1024;

/** Bytes that both spans begin with. */
export async function commonStart(old: Span, now: Span): Promise<number> {
  const bytes = Math.min(old.to - old.from, now.to - now.from);
  for (let at = 0, step = FIRST_BYTES; at < bytes; at += step, step = Math.min(step * 4, WINDOW_BYTES)) {
    const length = Math.min(step, bytes - at);
    const [a, b] = await Promise.all([old.source.read(old.from + at, length), now.source.read(now.from + at, length)]);
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
    const [a, b] = await Promise.all([old.source.read(old.to - at - length, length), now.source.read(now.to - at - length, length)]);
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
