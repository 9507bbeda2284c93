import { equalBytes } from '../kernel/bytes.ts';
import { leafHash } from '../kernel/hashes.ts';
import { subtreeRoot } from '../kernel/merkle.ts';
import { nodeHashes } from '../kernel/node-hashes.ts';
import { parseCheckpoint } from '../kernel/note.ts';
import { formatReceipt, insideHashes, receiptRoot } from '../kernel/receipt.ts';
import type { LedgerReader } from '../ledger/ports.ts';
import { AnchorError } from './anchor-error.ts';

/** A request has at most 10,000 events and one record; hashing as many leaves takes a few milliseconds. */
export const RECEIPT_LEAVES_MAX = 16_384;

/**
 * Receipt of the leaves [first, last], which the checkpoint must cover. They are read back from the disk: a receipt that its holder
 * could not verify later is never given. Throws AnchorError `io`.
 */
export async function issueReceipt(ledger: LedgerReader, first: number, last: number, checkpoint: string): Promise<string> {
  const { size, root } = parseCheckpoint(checkpoint);
  if (last >= size || last - first >= RECEIPT_LEAVES_MAX) throw new RangeError(`no receipt for ${first} to ${last} of ${size}`);
  const hashes: Uint8Array[] = [];
  for await (const leaf of ledger.leaves(first, last + 1)) hashes.push(leafHash(nodeHashes, leaf.bytes));
  if (hashes.length !== last - first + 1) throw new AnchorError('io', `entries ${first} to ${last} cannot all be read`);
  const subtree = (from: number, to: number): Uint8Array => subtreeRoot(nodeHashes, (index) => hashes[index - first], from, to);
  const inside = insideHashes(subtree, first, last, size);
  const outside = await ledger.rangeProof(first, last, size);
  const receipt = { ledgerId: ledger.identity.ledgerId, first, last, inside, outside, checkpoint };
  const stated = receiptRoot(nodeHashes, receipt, size);
  if (stated === undefined || !equalBytes(stated, root))
    throw new AnchorError('io', `entries ${first} to ${last} do not lead to the root that was signed: run log verify`);
  return formatReceipt(receipt);
}
