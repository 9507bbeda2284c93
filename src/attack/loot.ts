import type { KeyObject } from 'node:crypto';
import { join } from 'node:path';
import { fromHex } from '../kernel/bytes.ts';
import { parsePrivateKeyPem } from '../kernel/ed25519.ts';
import { isThere, readAll } from './disk.ts';

/** The secrets that lie on the machine: what a thief of the disk holds. The root key is left out: it belongs elsewhere. */
export interface Loot {
  /** Undefined in a ledger that seals, when epoch.key is not readable. `seed` is absent in ledgers that do not seal. */
  readonly epoch: { readonly number: number; readonly key: Uint8Array; readonly seed: Uint8Array | undefined } | undefined;
  readonly logKey: KeyObject | undefined;
}

const EPOCH_KEY_FILE = /^proofs\/epoch-key\/v1\n(0|[1-9]\d*)\n([0-9a-f]{64})\n([0-9a-f]{64})\n$/;

export function stealKeys(keysDir: string): Loot {
  const pem = tryRead(join(keysDir, 'log.key'));
  return { epoch: stealEpochKey(keysDir), logKey: pem === undefined ? undefined : parsePrivateKeyPem(pem) };
}

function stealEpochKey(keysDir: string): Loot['epoch'] {
  const running = tryRead(join(keysDir, 'epoch.key'))?.toString('latin1');
  const match = running === undefined ? null : EPOCH_KEY_FILE.exec(running);
  if (match !== null) {
    const [key, seed] = [fromHex(match[2]), fromHex(match[3])];
    return key === undefined || seed === undefined ? undefined : { number: Number(match[1]), key, seed };
  }
  // A ledger of before sealing: one key for everything.
  const key = fromHex(tryRead(join(keysDir, 'hmac.key'))?.toString('latin1').trim() ?? 'none');
  return key === undefined ? undefined : { number: 0, key, seed: undefined };
}

function tryRead(path: string): Buffer | undefined {
  return isThere(path) ? readAll(path) : undefined;
}
