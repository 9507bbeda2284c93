import { renameSync } from 'node:fs';
import { join } from 'node:path';
import type { EpochKeys } from './epoch-keys.ts';
import type { EpochState } from './epoch-state.ts';
import { isPresent, removeFile, syncDirectory } from './files.ts';
import { pendingRootKey, readRootKey } from './key-files.ts';
import type { LedgerKeys } from './keys.ts';
import type { LedgerPaths } from './paths.ts';
import type { LedgerIdentity } from './ports.ts';

/**
 * The last steps of a rotation, once it is in effect and epoch.key is of the new lineage: the root key of the one before gets the name of
 * its first epoch, the new one its place, and epoch.key.next goes last, so that a kill in between is made good by the next start.
 */
export function finishRotation(paths: LedgerPaths, { rotated }: LedgerKeys, { lineages }: EpochState, { ledgerId }: LedgerIdentity): void {
  const commitment = lineages.at(-1)?.commitment;
  if (rotated === undefined || commitment === undefined || !rotated.isCommittedBy(commitment, ledgerId)) return;
  const pending = pendingRootKey(paths);
  if (isPresent(paths.verificationKey) && !isRootKeyOf(paths.verificationKey, rotated)) {
    const firstEpoch = lineages.at(-2)?.firstEpoch ?? 0;
    renameSync(paths.verificationKey, join(paths.keys, `verification-${firstEpoch}.key`));
  }
  if (isPresent(pending)) renameSync(pending, paths.verificationKey);
  syncDirectory(paths.keys);
  removeFile(paths.nextEpochKey);
  syncDirectory(paths.keys);
  // Its secrets are those of the running epoch's file by now; wiped, it fits no commitment and this is not done again.
  rotated.wipe();
}

function isRootKeyOf(path: string, keys: EpochKeys): boolean {
  const key = readRootKey(path);
  const isSame = key.equals(keys.macKey);
  key.fill(0);
  return isSame;
}
