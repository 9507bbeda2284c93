import { toHex } from '../kernel/bytes.ts';
import type { CheckpointLock, CheckpointLockOptions } from '../ledger/checkpoint-lock.ts';
import { FileCheckpointStore } from './file-checkpoint-store.ts';
import { LockOverStore } from './lock-over-store.ts';
import { RedisCheckpointStore } from './redis-checkpoint-store.ts';

/** The lock that the settings ask for; undefined when there shall be none. Nothing is opened or connected before its first use. */
export function openCheckpointLock(options: CheckpointLockOptions, ledgerId: Uint8Array): CheckpointLock | undefined {
  if (options.kind === 'off') return undefined;
  const id = toHex(ledgerId);
  const store =
    options.kind === 'file' ? new FileCheckpointStore(options.dir, id) : new RedisCheckpointStore(options.url, options.password, id);
  return new LockOverStore(store);
}
