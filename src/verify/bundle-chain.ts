import { equalBytes } from '../kernel/bytes.ts';
import { chainMac, GENESIS_PREVIOUS_MAC } from '../kernel/chain.ts';
import { nodeHashes } from '../kernel/node-hashes.ts';
import type { CheckedEntry } from './bundle-entries.ts';
import type { ReportBuilder } from './bundle-report.ts';

export interface ChainInput {
  readonly hmacKey: Uint8Array;
  readonly ledgerId: Uint8Array;
  readonly run: readonly CheckedEntry[];
  readonly placeOf: (index: number) => string;
}

/** Recomputes each MAC whose predecessor is in the bundle; answers how many were compared. */
export function checkChain(report: ReportBuilder, { hmacKey, ledgerId, run, placeOf }: ChainInput): number {
  const broken: { index: number; seq: number }[] = [];
  let compared = 0;
  for (const [index, { leaf }] of run.entries()) {
    if (leaf === undefined) continue;
    const previousMac = leaf.seq === 0 ? GENESIS_PREVIOUS_MAC : run[index - 1]?.leaf?.mac;
    if (previousMac === undefined) continue;
    compared++;
    if (!equalBytes(chainMac(nodeHashes, hmacKey, ledgerId, previousMac, leaf.bytes), leaf.mac)) broken.push({ index, seq: leaf.seq });
  }
  if (compared > 0 && broken.length === compared) {
    const place = { file: placeOf(0), seqFirst: broken[0].seq, seqLast: broken[broken.length - 1].seq };
    report.found(
      'KEY_MISMATCH',
      place,
      'MACs made with the given HMAC key',
      'none that fits: another ledger’s key, or every entry was written anew',
    );
    return 0;
  }
  for (const { index, seq } of broken) {
    report.found('TAMPERED', { file: placeOf(index), seqFirst: seq, seqLast: seq }, 'a MAC that continues the chain', 'another MAC');
  }
  return compared;
}
