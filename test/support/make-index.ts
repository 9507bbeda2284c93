import { sha256, treeRoot } from './reference-crypto.ts';

/** What an index file says beside blocks and MAC; only what a verifier of removed segments reads. */
export interface IndexSpec {
  /** First leaf of the segment. */
  readonly first: number;
  readonly leaves: readonly Uint8Array[];
  /** The epoch that runs after the last leaf. */
  readonly epoch: number;
  readonly facts?: { readonly lineages?: readonly { readonly commitment: string; readonly firstEpoch: number }[]; readonly sealing?: true };
}

const BLOCK_LEAVES = 256;

/** index/<first>.idx of docs/formats/ledger.md (Segment index), without keyed requests: shares nothing with src/. */
export function makeIndex({ first, leaves, epoch, facts = {} }: IndexSpec): Buffer {
  const last = Buffer.from(leaves[leaves.length - 1]);
  const header = Buffer.alloc(96);
  header.write('PIPSIDX1', 'latin1');
  header.writeBigUInt64BE(BigInt(first), 8);
  header.writeUInt32BE(leaves.length, 16);
  header.writeUInt32BE(
    leaves.reduce((bytes, leaf) => bytes + 2 + leaf.length, 0),
    20,
  );
  header.writeUInt32BE(epoch, 24);
  header.writeBigUInt64BE(last.readBigUInt64BE(16), 44);
  header.set(last.subarray(-32), 52);
  header.writeUInt32BE(leaves.length / BLOCK_LEAVES, 84);
  const factsText = Buffer.from(JSON.stringify(facts));
  header.writeUInt32BE(factsText.length, 92);
  const blocks: Buffer[] = [];
  let offset = 0;
  for (let at = 0; at < leaves.length; at += BLOCK_LEAVES) {
    const block = leaves.slice(at, at + BLOCK_LEAVES);
    const entry = Buffer.alloc(12);
    entry.writeUInt32BE(offset);
    entry.set(Buffer.from(block[0]).subarray(16, 24), 4);
    blocks.push(entry, treeRoot(block));
    offset += block.reduce((bytes, leaf) => bytes + 2 + leaf.length, 0);
  }
  return withChecksum(Buffer.concat([header, ...blocks, factsText]));
}

/** Ends with the checksum of all before: a change by somebody who knows the format. */
export function withChecksum(content: Uint8Array): Buffer {
  return Buffer.concat([content, sha256(content)]);
}

export function prunedPath(first: number): string {
  return `ledger/pruned/${String(first).padStart(20, '0')}.idx`;
}
