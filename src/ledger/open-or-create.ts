import type { Clock } from '../kernel/clock.ts';
import type { CheckpointLock } from './checkpoint-lock.ts';
import { createLedger } from './create-ledger.ts';
import { isPresent } from './files.ts';
import { createKeys, defaultOrigin, openKeys, type LedgerKeys } from './keys.ts';
import { LedgerError } from './ledger-error.ts';
import type { LedgerPaths } from './paths.ts';
import { readGenesis, recoverLedger, type Recovered } from './recover.ts';
import type { WriteJournal } from './write-journal.ts';

export interface OpenOptions {
  readonly dataDir: string;
  readonly keysDir: string | undefined;
  readonly origin: string | undefined;
  readonly anchorNote: string | undefined;
  readonly clock: Clock;
  readonly journal: WriteJournal;
  readonly openLock: (ledgerId: Uint8Array) => CheckpointLock | undefined;
}

export interface OpenedFiles {
  readonly keys: LedgerKeys;
  readonly recovered: Recovered;
  readonly lock: CheckpointLock | undefined;
  /** What stood in the lock; undefined when there is none or it could not be reached. */
  readonly standing: { readonly note: string | undefined } | undefined;
  /** A lock that held nothing although the ledger is not new: its first use, or somebody removed what it held. */
  readonly emptyLock: string | undefined;
}

/** Makes keys and ledger where there are none, then recovers: a new ledger is opened by the same path as an old one. */
export async function openOrCreate(paths: LedgerPaths, options: OpenOptions): Promise<OpenedFiles> {
  const isNew = !isPresent(paths.ledger);
  if (isNew) {
    const keys = createKeys(options.dataDir, options.keysDir);
    assertNotDeleted(paths, keys);
    createLedger(paths, keys, options.origin ?? defaultOrigin(keys.publicKey), options.clock);
    keys.epoch.wipe();
  }
  const genesis = readGenesis(paths);
  const keys = openKeys(paths, genesis);
  const lock = options.openLock(genesis.ledgerId);
  const read = await lock?.read();
  const standing = read?.outcome === 'read' ? { note: read.note } : undefined;
  const locked = lock === undefined || standing?.note === undefined ? undefined : { location: lock.location, note: standing.note };
  const recovered = await recoverLedger(paths, keys, { anchorNote: options.anchorNote, locked, journal: options.journal });
  const emptyLock = !isNew && standing !== undefined && standing.note === undefined ? lock?.location : undefined;
  return { keys, recovered, lock, standing, emptyLock };
}

/** Keys that have evolved belong to a ledger, and that is gone. */
function assertNotDeleted(paths: LedgerPaths, { epoch }: LedgerKeys): void {
  if (epoch.epoch === 0) return;
  throw new LedgerError(
    'truncated',
    `${paths.epochKey} is of epoch ${epoch.epoch}, but there is no ledger in ${paths.ledger}: it was deleted or moved. Put it back; to begin a new one, move the keys out of ${paths.keys}`,
  );
}
