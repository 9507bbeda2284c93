import { join } from 'node:path';

/** File names of docs/formats/ledger.md. */
export interface LedgerPaths {
  readonly ledger: string;
  readonly segments: string;
  readonly checkpoint: string;
  readonly watermark: string;
  readonly verifierKey: string;
  readonly quarantine: string;
  readonly index: string;
  readonly pruned: string;
  readonly lock: string;
  readonly verificationKey: string;
  readonly epochKey: string;
  readonly nextEpochKey: string;
  readonly hmacKey: string;
  readonly logKey: string;
  readonly keys: string;
}

export function ledgerPaths(dataDir: string, keysDir: string = join(dataDir, 'keys')): LedgerPaths {
  return {
    ...ledgerDirPaths(join(dataDir, 'ledger')),
    keys: keysDir,
    verificationKey: join(keysDir, 'verification.key'),
    epochKey: join(keysDir, 'epoch.key'),
    nextEpochKey: join(keysDir, 'epoch.key.next'),
    hmacKey: join(keysDir, 'hmac.key'),
    logKey: join(keysDir, 'log.key'),
    lock: join(dataDir, 'ledger.lock'),
  };
}

type LedgerDirPaths = Omit<LedgerPaths, 'keys' | 'verificationKey' | 'epochKey' | 'nextEpochKey' | 'hmacKey' | 'logKey' | 'lock'>;

/** The same names below another folder: a ledger is created beside its place and renamed into it. */
export function ledgerDirPaths(ledger: string): LedgerDirPaths {
  return {
    ledger,
    segments: join(ledger, 'segments'),
    checkpoint: join(ledger, 'checkpoint'),
    watermark: join(ledger, 'watermark'),
    verifierKey: join(ledger, 'log.vkey'),
    quarantine: join(ledger, 'quarantine'),
    index: join(ledger, 'index'),
    pruned: join(ledger, 'pruned'),
  };
}
