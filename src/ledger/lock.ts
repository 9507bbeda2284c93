import { closeSync, openSync } from 'node:fs';
import { createRequire } from 'node:module';
import { LedgerError } from './ledger-error.ts';

/** fs-native-extensions ships no types. */
interface FileLocks {
  /** Takes an exclusive advisory lock on an open file description; false when somebody holds it. */
  tryLock(fd: number): boolean;
}

/**
 * Holds the ledger for this process. An open-file-description lock: the kernel drops it the moment the process ends, however it ends,
 * so there is nothing stale to clean up after kill -9.
 */
export function lockLedger(path: string): { release(): void } {
  const locks = createRequire(import.meta.url)('fs-native-extensions') as FileLocks;
  const fd = openSync(path, 'a', 0o600);
  if (!locks.tryLock(fd)) {
    closeSync(fd);
    throw new LedgerError(
      'locked',
      `another process is writing this ledger (it holds ${path}); stop it, or choose another PROOFS_DATA_DIR`,
    );
  }
  return { release: () => closeSync(fd) };
}
