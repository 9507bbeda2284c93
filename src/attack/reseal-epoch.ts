import { toHex } from '../kernel/bytes.ts';
import { canonicalJson, type Json } from '../kernel/canonical-json.ts';
import type { Draft } from './draft.ts';

export interface SealFacts {
  readonly seq: number;
  readonly firstSeq: number;
  readonly openedNs: bigint;
  readonly lastMac: Uint8Array;
}

/** A seal's payload with what it counts put right; clocks and the next epoch's key stay as they were. */
export function resealEpoch(seal: Draft, facts: SealFacts): Uint8Array {
  const old = JSON.parse(Buffer.from(seal.payload).toString('utf8')) as Record<string, Json>;
  const fitting = {
    ...old,
    epoch: seal.epoch,
    firstSeq: facts.firstSeq,
    count: facts.seq - facts.firstSeq,
    lastMac: toHex(facts.lastMac),
    openedNs: String(facts.openedNs),
  };
  return Buffer.from(canonicalJson(fitting));
}
