import { fromHex } from '../kernel/bytes.ts';
import { EPOCH_MAX } from '../kernel/epoch.ts';
import type { EpochKeyCandidate, HmacKeyCandidate } from './chain-keys.ts';

/** 64 hex digits and, by right, a newline. Upper case passes: the file is read by people too. */
const ROOT_KEY = /^([0-9a-fA-F]{64})\n?$/;
/** As docs/formats/ledger.md (Epochs) has it, one spelling per content. */
const EPOCH_KEY = /^proofs\/epoch-key\/v1\n(0|[1-9]\d{0,9})\n([0-9a-f]{64})\n([0-9a-f]{64})\n$/;

/** Content of verification.key or hmac.key; undefined when it is none. */
export function parseRootKey(label: string, content: Uint8Array): HmacKeyCandidate | undefined {
  const match = ROOT_KEY.exec(Buffer.from(content).toString('latin1'));
  const key = match === null ? undefined : fromHex(match[1]);
  return key === undefined ? undefined : { label, key };
}

/** Content of epoch.key; undefined when it is none. */
export function parseEpochKey(label: string, content: Uint8Array): EpochKeyCandidate | undefined {
  const match = EPOCH_KEY.exec(Buffer.from(content).toString('latin1'));
  if (match === null || Number(match[1]) > EPOCH_MAX) return undefined;
  const [key, seed] = [fromHex(match[2]), fromHex(match[3])];
  return key === undefined || seed === undefined ? undefined : { label, epoch: Number(match[1]), key, seed };
}
