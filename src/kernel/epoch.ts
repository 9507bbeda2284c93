import { utf8, writeU32 } from './bytes.ts';
import type { Hashes } from './hashes.ts';

/** Key evolution of docs/formats/ledger.md (Epochs): one way, so that the keys of an epoch say nothing about earlier ones. */
const KEY_LABEL = utf8('proofs/epoch-key/v1\n');
const SEED_LABEL = utf8('proofs/epoch-seed/v1\n');
const SIGN_LABEL = utf8('proofs/epoch-sign/v1\n');

/** Genesis or config leaf of a ledger that seals its epochs. */
export const EPOCH_POLICY_SEAL = 'seal/v1';
/** Ledgers made before sealing existed. */
export const EPOCH_POLICY_NONE = 'none';

/** A header has 32 bits for it: 136 years of one epoch a second. */
export const EPOCH_MAX = 0xffff_ffff;

/** An epoch that is not idle is sealed this long after its first leaf that is no minute-summary … */
export const EPOCH_SEAL_AFTER_MS = 1000;
/** … or once it holds this many leaves. */
export const EPOCH_LEAVES_MAX = 1_048_576;
/** An epoch without leaves, or with minute summaries alone, is sealed this long after it was opened: bounds back-dating. */
export const EPOCH_IDLE_MS = 15 * 60_000;
/** Wall and monotonic clock may drift apart this far before a clock-step leaf says so. */
export const CLOCK_STEP_MS_MIN = 2000;

function derive(hashes: Hashes, label: Uint8Array, key: Uint8Array, ledgerId: Uint8Array, epoch: number): Uint8Array {
  const number = new Uint8Array(4);
  writeU32(number, 0, epoch);
  return hashes.hmacSha256(key, label, ledgerId, number);
}

/** K_epoch from K_(epoch − 1). */
export function nextEpochKey(hashes: Hashes, previousKey: Uint8Array, ledgerId: Uint8Array, epoch: number): Uint8Array {
  return derive(hashes, KEY_LABEL, previousKey, ledgerId, epoch);
}

/** S_epoch from S_(epoch − 1). */
export function nextEpochSeed(hashes: Hashes, previousSeed: Uint8Array, ledgerId: Uint8Array, epoch: number): Uint8Array {
  return derive(hashes, SEED_LABEL, previousSeed, ledgerId, epoch);
}

/** Ed25519 seed (RFC 8032) of the key that signs checkpoints in `epoch`, from S_epoch. */
export function epochSigningSeed(hashes: Hashes, seed: Uint8Array, ledgerId: Uint8Array, epoch: number): Uint8Array {
  return derive(hashes, SIGN_LABEL, seed, ledgerId, epoch);
}

/** Name of an epoch's signing key in checkpoints. */
export function epochKeyName(origin: string, epoch: number): string {
  return `${origin}/epoch/${epoch}`;
}
