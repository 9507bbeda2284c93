import { randomBytes } from 'node:crypto';
import { openCheckpointLock } from '../anchor/open-checkpoint-lock.ts';
import { HMAC_KEY_BYTES } from '../kernel/chain.ts';
import { systemClocks } from '../kernel/clock.ts';
import { CheckpointAnchor } from './checkpoint-anchor.ts';
import type { CheckpointLockOptions } from './checkpoint-lock.ts';
import { EpochKeys } from './epoch-keys.ts';
import { isPresent, readBootId } from './files.ts';
import { pendingRootKey, publishEpochKeys, publishRootKey, readEpochKeys, removeRootKey } from './key-files.ts';
import { LedgerError } from './ledger-error.ts';
import { lockLedger } from './lock.ts';
import { openOrCreate } from './open-or-create.ts';
import { ledgerPaths, type LedgerPaths } from './paths.ts';
import { NO_JOURNAL } from './write-journal.ts';
import { Writer } from './writer.ts';

export interface RotateOptions {
  readonly dataDir: string;
  readonly keysDir: string | undefined;
  /** Where the new root key goes instead of KEYS_DIR/verification.key. */
  readonly escrow: string | undefined;
  readonly lock: CheckpointLockOptions;
}

export interface Rotation {
  readonly firstEpoch: number;
  /** Where the root key of the new lineage is. */
  readonly rootKey: string;
}

/**
 * Begins a new lineage of keys on a ledger that nobody writes: a key-rotate leaf, MACed by the old key, commits to the new root key, and
 * a seal ends the epoch. Whatever is killed on the way is made good by running it again, or by the next start.
 */
export async function rotateKeys(options: RotateOptions): Promise<Rotation> {
  const paths = ledgerPaths(options.dataDir, options.keysDir);
  if (!isPresent(paths.ledger)) throw new LedgerError('io', `there is no ledger in ${paths.ledger}`);
  const held = lockLedger(paths.lock);
  try {
    const rotated = prepareRotation(paths, options.escrow);
    const firstEpoch = await writeRotation(paths, options, rotated);
    return { firstEpoch, rootKey: options.escrow ?? paths.verificationKey };
  } finally {
    held.release();
  }
}

/**
 * Makes the new lineage's keys, durably, before a leaf speaks of them: its root key has to be out before the epoch key that holds it
 * evolves. Those of a rotation that never came to its leaf are taken again.
 */
export function prepareRotation(paths: LedgerPaths, escrow: string | undefined): EpochKeys {
  if (!isPresent(paths.nextEpochKey)) {
    const rootKey = randomBytes(HMAC_KEY_BYTES);
    const { epoch, macKey, seed } = readEpochKeys(paths.epochKey);
    macKey.fill(0);
    seed.fill(0);
    publishEpochKeys(paths.nextEpochKey, EpochKeys.ofRoot(rootKey, epoch + 1));
    rootKey.fill(0);
  }
  const rotated = readEpochKeys(paths.nextEpochKey);
  const pending = pendingRootKey(paths);
  publishRootKey(escrow ?? pending, rotated.macKey);
  // A rotation without escrow that was killed may have left it here, and its end would put it in the place of verification.key.
  if (escrow !== undefined) removeRootKey(pending, rotated.macKey, escrow);
  return rotated;
}

async function writeRotation(paths: LedgerPaths, options: RotateOptions, rotated: EpochKeys): Promise<number> {
  const { dataDir, keysDir } = options;
  const openLock = (ledgerId: Uint8Array): ReturnType<typeof openCheckpointLock> => openCheckpointLock(options.lock, ledgerId);
  const unset = { origin: undefined, anchorNote: undefined };
  const { keys, recovered, lock, standing } = await openOrCreate(paths, {
    ...unset,
    dataDir,
    keysDir,
    clock: systemClocks.wall,
    journal: NO_JOURNAL,
    openLock,
  });
  let cause: { readonly error: unknown } | undefined;
  const keep = (error: unknown): void => void (cause ??= { error });
  const events = {
    committed: () => undefined,
    anchored: () => undefined,
    indexed: () => undefined,
    diskFull: (_ids: readonly number[], error: unknown) => keep(error),
    fatal: keep,
  };
  const { writer } = await Writer.open(paths, keys, recovered, events, {
    clocks: systemClocks,
    bootId: readBootId(),
    anchor: new CheckpointAnchor(lock, recovered.identity, standing),
    // Everything is told in one go: a lock that is away is asked again by the next start.
    rootAt: () => Promise.reject(new LedgerError('io', 'the checkpoint lock could not be read at start')),
  });
  // Opening the ledger finished a rotation that was killed behind its seal: these keys are in force, and serve no second lineage.
  if (isPresent(paths.nextEpochKey)) writer.rotate(rotated);
  writer.close();
  await writer.run();
  const { epochs } = recovered.state;
  recovered.state.chain.wipe();
  epochs.keys.wipe();
  rotated.wipe();
  if (cause !== undefined) throw cause.error;
  return epochs.lineages.at(-1)?.firstEpoch ?? epochs.epoch;
}
