import { FLAG_LAST_OF_REQUEST } from '../kernel/leaf.ts';
import { LedgerError } from './ledger-error.ts';
import type { FileReader } from './file-reader.ts';
import { splitRequestTag, type RememberedRequest } from './request-log.ts';

/** Does the ledger hold the request that a segment's index speaks of? What retention removed cannot say no any more. */
export async function isOnRecord(reader: FileReader, request: RememberedRequest): Promise<boolean> {
  try {
    const { requestTag } = await reader.verifiedLeaf(request.first);
    if (requestTag === undefined) return false;
    const { keyDigest, bodyDigest } = splitRequestTag(requestTag);
    if (keyDigest !== request.keyDigest || bodyDigest !== request.bodyDigest) return false;
    for await (const { seq, flags } of reader.leaves(request.first, request.last + 1)) {
      if (((flags & FLAG_LAST_OF_REQUEST) !== 0) !== (seq === request.last)) return false;
    }
    return true;
  } catch (error) {
    if (error instanceof LedgerError && error.code === 'pruned') return true;
    throw error;
  }
}
