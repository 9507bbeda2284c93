import { FLAG_LAST_OF_REQUEST } from '../kernel/leaf.ts';

/** The lower byte of the flags. */
const FLAGS_AT = 3;

/** First leaf of the last request. */
export function lastRequest(leaves: readonly Uint8Array[]): number {
  return leaves.findLastIndex((leaf, seq) => seq < leaves.length - 1 && (leaf[FLAGS_AT] & FLAG_LAST_OF_REQUEST) !== 0) + 1;
}
