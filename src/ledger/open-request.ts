import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { equalBytes } from '../kernel/bytes.ts';
import { FLAG_LAST_OF_REQUEST, segmentName } from '../kernel/leaf.ts';
import { readAt } from './files.ts';
import { hashBlock } from './hash-block.ts';
import { LedgerError } from './ledger-error.ts';
import { parseFrames } from './read-block.ts';
import type { SegmentIndex } from './segment-index.ts';

/** A keyed request whose last leaf lies in a later segment. */
export interface OpenRequest {
  readonly first: number;
  readonly tag: Uint8Array;
}

/**
 * The keyed request that goes on behind the end of a segment, found by reading its blocks from the last one back to the end of the request
 * before. Throws LedgerError `io` when a block is not the one that the index states.
 */
export function findOpenRequest(segmentsDir: string, index: SegmentIndex): OpenRequest | undefined {
  const fd = openSync(join(segmentsDir, segmentName(index.first)), 'r');
  try {
    let open: OpenRequest | undefined;
    for (let block = index.blocks.length - 1; block >= 0; block--) {
      const { offset, root } = index.blocks[block];
      const end = index.blocks[block + 1]?.offset ?? index.bytes;
      const leaves = parseFrames(readAt(fd, offset, end - offset));
      const found = hashBlock(leaves).root;
      if (found === undefined || !equalBytes(found, root)) throw new LedgerError('io', `${segmentName(index.first)} and its index differ`);
      for (const leaf of leaves.toReversed()) {
        if ((leaf.flags & FLAG_LAST_OF_REQUEST) !== 0) return open;
        open = leaf.requestTag === undefined ? undefined : { first: leaf.seq, tag: Uint8Array.from(leaf.requestTag) };
      }
    }
    return open;
  } finally {
    closeSync(fd);
  }
}
