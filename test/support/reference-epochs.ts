import type { KeyObject } from 'node:crypto';
import { hmac, seededSigningKey, toVerifierKey } from './reference-crypto.ts';

/** Secrets of one epoch (docs/formats/ledger.md, Epochs), for the reference writer: shares nothing with src/. */
export interface EpochSecrets {
  readonly epoch: number;
  /** K_e */
  readonly key: Uint8Array;
  /** S_e */
  readonly seed: Uint8Array;
  readonly signingKey: KeyObject;
  readonly verifierKey: string;
}

/** What an epoch's secrets hang on, beside those of the epoch before. */
export interface EpochSetting {
  readonly ledgerId: Uint8Array;
  readonly origin: string;
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

export function epochSecrets({ ledgerId, origin }: EpochSetting, epoch: number, key: Uint8Array, seed: Uint8Array): EpochSecrets {
  const signingKey = seededSigningKey(hmac(seed, Buffer.from('proofs/epoch-sign/v1\n'), ledgerId, u32(epoch)));
  return { epoch, key, seed, signingKey, verifierKey: toVerifierKey(`${origin}/epoch/${epoch}`, signingKey) };
}

export function nextSecrets(setting: EpochSetting, { epoch, key, seed }: EpochSecrets): EpochSecrets {
  const next = u32(epoch + 1);
  return epochSecrets(
    setting,
    epoch + 1,
    hmac(key, Buffer.from('proofs/epoch-key/v1\n'), setting.ledgerId, next),
    hmac(seed, Buffer.from('proofs/epoch-seed/v1\n'), setting.ledgerId, next),
  );
}

export function keyCommitment(rootKey: Uint8Array, ledgerId: Uint8Array): string {
  return hmac(rootKey, Buffer.from('proofs/key-commitment/v1\n'), ledgerId).toString('hex');
}

/** Content of epoch.key. */
export function epochKeyFile({ epoch, key, seed }: Pick<EpochSecrets, 'epoch' | 'key' | 'seed'>): Buffer {
  const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
  return Buffer.from(`proofs/epoch-key/v1\n${epoch}\n${hex(key)}\n${hex(seed)}\n`);
}
