import { concat, utf8 } from './bytes.ts';
import type { Hashes } from './hashes.ts';
import { LEAF_MAC_BYTES } from './leaf.ts';

/**
 * The keyed chain of docs/formats/ledger.md, straightforwardly: the reference for the writer's fast path, and what the
 * verifier uses. All inputs are fixed width but the last, so no two different inputs give the same bytes.
 */
export const CHAIN_DOMAIN = utf8('proofs/chain/v1\n');
const KEY_COMMITMENT_LABEL = utf8('proofs/key-commitment/v1\n');
export const WATERMARK_LABEL = utf8('proofs/watermark/v1\n');

export const LEDGER_ID_BYTES = 16;
export const HMAC_KEY_BYTES = 32;

/** mac_(-1): what the genesis leaf chains to. */
export const GENESIS_PREVIOUS_MAC = new Uint8Array(LEAF_MAC_BYTES);

/** mac_i = HMAC-SHA256(K, domain ‖ ledger id ‖ mac_(i-1) ‖ header ‖ [request tag ‖] payload). `leaf` is the whole leaf; its MAC is not read. */
export function chainMac(hashes: Hashes, key: Uint8Array, ledgerId: Uint8Array, previousMac: Uint8Array, leaf: Uint8Array): Uint8Array {
  return hashes.hmacSha256(key, CHAIN_DOMAIN, ledgerId, previousMac, leaf.subarray(0, leaf.length - LEAF_MAC_BYTES));
}

/** Stands in the genesis leaf: says which HMAC key a ledger was born with, without giving it away. */
export function keyCommitment(hashes: Hashes, key: Uint8Array, ledgerId: Uint8Array): Uint8Array {
  return hashes.hmacSha256(key, concat(KEY_COMMITMENT_LABEL, ledgerId));
}
