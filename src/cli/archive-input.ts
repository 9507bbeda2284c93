import { readdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { openArchiveStore } from '../archive/open-archive.ts';
import { parseArchiveConfig } from '../config/archive-config.ts';
import { ConfigError } from '../config/config.ts';
import { readS3Keys } from '../config/secrets.ts';
import { SETTINGS } from '../config/settings.ts';
import type { ObjectStore } from '../kernel/object-store.ts';
import { ArchiveFiles } from '../verify/archive-files.ts';
import { UsageError, type CommandIo } from './command.ts';

/** Each ledger has a folder of its own in an archive. */
const LEDGER_ID = /^[0-9a-f]{32}$/;

/** A folder or s3://BUCKET/PREFIX: an archive, or the place that holds one ledger's. Where and how comes from PROOFS_S3_…, as for serve. */
export async function openArchiveInput(location: string, io: Pick<CommandIo, 'env' | 'signal'>): Promise<ArchiveFiles> {
  const store = toStore(location, io);
  const files = await ArchiveFiles.open(store, '');
  if (files.listSegments() !== undefined) return files;
  const ids = location.startsWith('s3:') ? [] : ledgerIds(location);
  if (ids.length === 1) return ArchiveFiles.open(store, `${ids[0]}/`);
  const which = ids.length === 0 ? 'add the ledger’s id, 32 hex digits, to the address if it lies deeper' : `name one of ${ids.join(', ')}`;
  throw new UsageError(`"${location}" holds no checkpoint of an archive: ${which}`);
}

function toStore(location: string, { env, signal }: Pick<CommandIo, 'env' | 'signal'>): ObjectStore {
  const faults: string[] = [];
  const config = parseArchiveConfig((setting) => (setting === SETTINGS.archive ? location : env[setting.env]), faults);
  if (faults.length > 0) throw new UsageError(faults.join('; '));
  try {
    const opened = openArchiveStore(config, readS3Keys(config), signal);
    if (opened === undefined) throw new UsageError(`--archive is "${location}": a folder or s3://BUCKET/PREFIX is needed`);
    return opened.store;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new UsageError(error.message, { cause: error });
  }
}

function ledgerIds(folder: string): string[] {
  try {
    return readdirSync(resolve(folder)).filter((name) => LEDGER_ID.test(name));
  } catch (cause) {
    throw new UsageError(`"${folder}" cannot be read`, { cause });
  }
}
