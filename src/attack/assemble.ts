import { concat, writeU16, writeU32, writeU64, writeU64BigInt } from '../kernel/bytes.ts';
import { CHAIN_DOMAIN, GENESIS_PREVIOUS_MAC } from '../kernel/chain.ts';
import { LEAF_HEADER_BYTES, LEAF_TYPES, LEAF_VERSION } from '../kernel/leaf.ts';
import { nodeHashes } from '../kernel/node-hashes.ts';
import type { Draft } from './draft.ts';
import { recountMinutes } from './recount-minutes.ts';
import { resealEpoch } from './reseal-epoch.ts';

/** The MAC key of an epoch, as far as the intruder has it. */
export type EpochKeys = (epoch: number) => Uint8Array | undefined;

/**
 * Drafts → leaves that keep every rule of the format: numbers, minute summaries and seals are made to fit. MACs are made where the
 * epoch's key is known and kept as they were elsewhere, which is the best that can be done without it.
 */
export function assemble(drafts: readonly Draft[], ledgerId: Uint8Array, keys: EpochKeys): Buffer[] {
  const whole = recountMinutes(drafts);
  const leaves: Buffer[] = [];
  let previousMac: Uint8Array = GENESIS_PREVIOUS_MAC;
  let [epochFirst, openedNs] = [0, whole[0]?.timeNs ?? 0n];
  for (const [seq, draft] of whole.entries()) {
    const isSeal = draft.type === LEAF_TYPES.epochSeal;
    const payload = isSeal ? resealEpoch(draft, { seq, firstSeq: epochFirst, openedNs, lastMac: previousMac }) : draft.payload;
    if (isSeal) [epochFirst, openedNs] = [seq + 1, draft.timeNs];
    const body = concat(header(draft, seq), draft.tag ?? new Uint8Array(0), payload);
    const key = keys(draft.epoch);
    const mac = key === undefined ? draft.mac : nodeHashes.hmacSha256(key, CHAIN_DOMAIN, ledgerId, previousMac, body);
    leaves.push(Buffer.concat([body, mac]));
    previousMac = mac;
  }
  return leaves;
}

function header(draft: Draft, seq: number): Uint8Array {
  const bytes = new Uint8Array(LEAF_HEADER_BYTES);
  bytes[0] = LEAF_VERSION;
  bytes[1] = draft.type;
  writeU16(bytes, 2, draft.flags);
  writeU64(bytes, 4, seq);
  writeU32(bytes, 12, draft.epoch);
  writeU64BigInt(bytes, 16, draft.timeNs);
  return bytes;
}
