import { formatProof, PATHS } from '../bundle/format.ts';
import { equalBytes, fromHex, fromUtf8, toHex } from '../kernel/bytes.ts';
import { HASH_BYTES } from '../kernel/hashes.ts';
import { rootOfRange } from '../kernel/merkle.ts';
import { nodeHashes } from '../kernel/node-hashes.ts';
import type { SignedCheckpoint } from '../kernel/note.ts';
import type { CheckedEntry } from './bundle-entries.ts';
import type { ReportBuilder } from './bundle-report.ts';

export interface RangeProof {
  readonly first: number;
  readonly size: number;
  readonly hashes: readonly Uint8Array[];
}

/** What lies left of the run has at most one node per bit of a counter below 2^53. */
const HASHES_MAX = 53;
const PROOF = /^\{"first":(\d{1,16}),"last":\d{1,16},"size":(\d{1,16}),"hashes":\[((?:"[0-9a-f]{64}",?)*)\]\}\n$/;

/** ledger/proof.json → proof; undefined when it is not one of docs/formats/bundle.md. */
export function parseProof(content: Uint8Array): RangeProof | undefined {
  let text: string;
  try {
    text = fromUtf8(content);
  } catch {
    return undefined;
  }
  const match = PROOF.exec(text);
  if (match === null) return undefined;
  const [first, size] = [Number(match[1]), Number(match[2])];
  const hashes = match[3] === '' ? [] : match[3].split(',').map((item) => fromHex(item.slice(1, -1)) ?? new Uint8Array(0));
  if (!Number.isSafeInteger(first) || !Number.isSafeInteger(size) || first >= size || hashes.length > HASHES_MAX) return undefined;
  if (hashes.some((hash) => hash.length !== HASH_BYTES) || formatProof(first, size, hashes) !== text) return undefined;
  return { first, size, hashes };
}

/** Do lines and proof give the checkpoint's root? Says whether the lines as they state themselves would have. */
export function checkRoot(report: ReportBuilder, run: readonly CheckedEntry[], proof: RangeProof, checkpoint: SignedCheckpoint): void {
  const place = { file: PATHS.proof, seqFirst: proof.first, seqLast: proof.size - 1 };
  const own = rootOf(run, proof, proof.size, ({ hash }) => hash);
  if (own !== undefined && equalBytes(own, checkpoint.root)) return;
  const stated = rootOf(run, proof, proof.size, ({ statedHash }) => statedHash);
  const isOnlyContent = stated !== undefined && equalBytes(stated, checkpoint.root);
  const found = isOnlyContent
    ? 'it only with the leaf hashes as the lines state them: nothing else than the entries named above was altered'
    : `${own === undefined ? 'none' : toHex(own)}: entries were altered, added, removed or moved`;
  report.found('TAMPERED', place, `the signed root ${toHex(checkpoint.root)}`, found);
}

/**
 * Root of the tree's first `size` leaves, for sizes within the run. What lies left of the run is cut into the same complete
 * subtrees in every tree that reaches into the run, so one proof serves them all.
 */
export function rootWithin(run: readonly CheckedEntry[], proof: RangeProof, size: number): Uint8Array | undefined {
  return rootOf(run, proof, size, ({ hash }) => hash);
}

function rootOf(
  run: readonly CheckedEntry[],
  proof: RangeProof,
  size: number,
  hashOf: (entry: CheckedEntry) => Uint8Array | undefined,
): Uint8Array | undefined {
  if (size <= proof.first || size > proof.first + run.length) return undefined;
  const hashes: Uint8Array[] = [];
  for (const entry of run.slice(0, size - proof.first)) {
    const hash = hashOf(entry);
    if (hash === undefined) return undefined;
    hashes.push(hash);
  }
  return rootOfRange(nodeHashes, hashes, proof.first, size, proof.hashes);
}
