import type { Detection } from '../kernel/detection.ts';

/** A detection before it has a name and a time. */
export type Finding = Pick<Detection, 'kind' | 'bytes' | 'seqs' | 'evidence'>;

/** Bytes [from, to) as a detection states them; null when that is nothing. */
export function byteRange(from: number, to: number): Finding['bytes'] {
  return to > from ? { first: from, last: to - 1 } : null;
}
