import type { ObjectStore } from '../kernel/object-store.ts';
import { ArchiveError } from './archive-error.ts';
import { Archiver, type ArchiveSource } from './archiver.ts';
import { BackgroundArchiver, type ArchiveEvents } from './background-archiver.ts';
import { DirectoryStore } from './directory-store.ts';
import { RetryingStore } from './retrying-store.ts';
import { S3Store } from './s3-store.ts';

/** Where to. */
export type ArchiveTarget =
  | { readonly kind: 'none' }
  | { readonly kind: 'directory'; readonly path: string }
  | { readonly kind: 's3'; readonly endpoint: string; readonly region: string; readonly bucket: string; readonly prefix: string };

export interface S3Keys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** Hides the latency of a network; all objects on their way belong to one segment of at most 50 MB. */
const S3_UPLOADS_MAX = 16;
/** Leaves half of libuv's four threads to the writer's fdatasync. */
const DIRECTORY_UPLOADS_MAX = 2;

/** The store, repeating what failed; undefined without an archive. */
export function openArchiveStore(
  target: ArchiveTarget,
  keys: S3Keys | undefined,
  signal: AbortSignal,
): { readonly store: ObjectStore; readonly uploadsMax: number } | undefined {
  if (target.kind === 'directory') {
    return { store: new RetryingStore(new DirectoryStore(target.path), signal), uploadsMax: DIRECTORY_UPLOADS_MAX };
  }
  if (target.kind === 'none' || keys === undefined) return undefined;
  return { store: new RetryingStore(new S3Store({ ...target, ...keys }), signal), uploadsMax: S3_UPLOADS_MAX };
}

/** What a running sidecar knows of its archive. */
export interface RunningArchive {
  readonly location: string;
  /** Archived and signed for; undefined until the archive was looked at. */
  readonly size: number | undefined;
  /** What is wrong right now, for /readyz. */
  readonly trouble: string | undefined;
  /** Are the entries of the segment there, and right? When not, that is told, and they are put again. */
  holds(first: number, end: number, signal: AbortSignal): Promise<boolean>;
  /** A segment may have been sealed. */
  notify(): void;
  stop(): Promise<void>;
}

/** Starts to archive in the background; undefined without an archive. */
export function openArchive(
  target: ArchiveTarget,
  keys: S3Keys | undefined,
  source: ArchiveSource,
  events: ArchiveEvents,
): RunningArchive | undefined {
  const ended = new AbortController();
  const opened = openArchiveStore(target, keys, ended.signal);
  if (opened === undefined) return undefined;
  const archiver = new Archiver(source, opened.store, { uploadsMax: opened.uploadsMax });
  let trouble: string | undefined;
  const told: ArchiveEvents = {
    archived: (size) => {
      trouble = undefined;
      events.archived(size);
    },
    failed: (error) => {
      trouble = error.message;
      events.failed(error);
    },
  };
  const background = new BackgroundArchiver(archiver, told);
  return {
    location: archiver.location,
    get size() {
      return archiver.size;
    },
    get trouble() {
      return trouble;
    },
    holds: async (first, end, signal) => {
      if (await archiver.holds(first, end, signal)) return true;
      told.failed(new ArchiveError('archive-unreachable', `the archive lacks entries of ${first} to ${end - 1}, or holds others`));
      background.notify();
      return false;
    },
    notify: () => background.notify(),
    stop: () => {
      ended.abort();
      return background.stop();
    },
  };
}
