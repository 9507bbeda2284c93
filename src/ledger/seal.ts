import { toHex } from '../kernel/bytes.ts';
import type { Json } from '../kernel/canonical-json.ts';
import type { EpochState } from './epoch-state.ts';

/** What a seal says beside the ledger's own state. */
export interface SealMoment {
  /** Not clamped. */
  readonly wallNs: bigint;
  readonly monotonicNs: bigint;
  readonly bootId: string;
  /** The sidecar stops in good order right after. */
  readonly isFinal: boolean;
}

/** Payload of the seal that ends the epoch as leaf `seq`. */
export function sealPayload(ending: EpochState, seq: number, lastMac: Uint8Array, nextEpochKey: string, moment: SealMoment): Json {
  return {
    bootId: moment.bootId,
    count: seq - ending.firstSeq,
    epoch: ending.epoch,
    final: moment.isFinal,
    firstSeq: ending.firstSeq,
    lastMac: toHex(lastMac),
    monotonicNs: String(moment.monotonicNs),
    nextEpochKey,
    openedNs: String(ending.openedNs),
    wallNs: String(moment.wallNs),
  };
}
