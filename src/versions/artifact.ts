import { isPresent, readIfPresent } from './disk.ts';
import { parseHead, type Head } from './head-file.ts';
import { parseIndex, toRecord, type IndexedRecord } from './index-file.ts';
import type { VersionPaths } from './paths.ts';
import { PatchRefused } from './patch.ts';
import type { ArtifactSummary } from './ports.ts';
import { VersionsError } from './versions-error.ts';

/** A head has a few texts of 500 characters, and a pin for each version that has one. */
export const HEAD_BYTES_MAX = 16 * 1024 * 1024;
/** Half a kilobyte a version. */
const INDEX_BYTES_MAX = 512 * 1024 * 1024;
/** Reads of a head that changes all the time. */
const TRIES_MAX = 10;

/** An artifact as its two files say. Never changed in place: a change makes another one, and that takes its place when it is durable. */
export interface Artifact {
  readonly head: Head;
  /** All versions: version n is at n − 1. */
  readonly records: readonly IndexedRecord[];
}

/** Undefined when there is none of the name. Throws VersionsError `version-damaged`, which names the file. */
export async function loadArtifact(paths: VersionPaths, name: string): Promise<Artifact | undefined> {
  for (let tries = 1; ; tries++) {
    const head = await readIfPresent(paths.head(name), HEAD_BYTES_MAX);
    const isUnderWay = await isPresent(paths.pending(name));
    const index = (await readIfPresent(paths.index(name), INDEX_BYTES_MAX)) ?? Buffer.alloc(0);
    // A check of the folder may run beside whoever writes there.
    const isSame = (await readIfPresent(paths.head(name), HEAD_BYTES_MAX))?.equals(head ?? Buffer.alloc(0)) ?? head === undefined;
    if (isSame || tries === TRIES_MAX) return toArtifact(paths, name, { head, index, isUnderWay });
  }
}

function toArtifact(
  paths: VersionPaths,
  name: string,
  files: { readonly head: Buffer | undefined; readonly index: Buffer; readonly isUnderWay: boolean },
): Artifact | undefined {
  const { index, isUnderWay } = files;
  const head = naming(paths, paths.head(name), () => {
    if (files.head !== undefined) return parseHead(files.head.toString(), name);
    // A first version that never came to be has a line at most, and says that it is under way.
    const hasLines = index.subarray(0, -1).includes('\n') || (index.length > 0 && !isUnderWay);
    if (hasLines) throw new VersionsError('version-damaged', 'it is missing');
    return undefined;
  });
  if (head === undefined) return undefined;
  const records = naming(paths, paths.index(name), () => {
    if (index.length < head.indexBytes) throw new VersionsError('version-damaged', 'it ends before the line that the head names');
    // Only a change that is under way, or that a crash ended, leaves a line that no head names: else this head is an older one.
    if (index.length > head.indexBytes && !isUnderWay)
      throw new VersionsError('version-damaged', 'it goes on behind the line that the head names');
    return parseIndex(index.subarray(0, head.indexBytes).toString(), head.line);
  });
  naming(paths, paths.head(name), () => assertAbout(head, records));
  return { head, records };
}

/** Its hash says that we wrote it, or somebody who can hash: what it says must hang together before anything is built on it. */
function assertAbout(head: Head, records: readonly IndexedRecord[]): void {
  const { version, oldest, pins, confirm } = head;
  const last = records.at(-1);
  if (last?.version !== version || last.sha256 !== head.sha256 || last.bytes !== head.bytes)
    throw new VersionsError('version-damaged', 'it is not about the last version of its index');
  const isSound =
    oldest <= version &&
    pins.every((pin, i) => records[pin.version - 1]?.sha256 === pin.sha256 && (i === 0 || pins[i - 1].version < pin.version)) &&
    (confirm === undefined || (confirm.revertsTo >= oldest && confirm.revertsTo < version && !Number.isNaN(Date.parse(confirm.before))));
  if (!isSound) throw new VersionsError('version-damaged', 'it contradicts its index');
}

/** Puts the place before the message of whatever finds damage. */
function naming<T>(paths: VersionPaths, path: string, check: () => T): T {
  try {
    return check();
  } catch (error) {
    throw namedDamage(paths, path, error);
  }
}

export function namedDamage(paths: VersionPaths, path: string, error: unknown): unknown {
  const isDamage =
    error instanceof PatchRefused || error instanceof SyntaxError || (error instanceof VersionsError && error.code === 'version-damaged');
  if (!isDamage) return error;
  return new VersionsError('version-damaged', `${paths.placeOf(path)}: ${error.message}`, { cause: error });
}

export function recordOf({ head, records }: Artifact, version: number): IndexedRecord {
  const record = records[version - 1];
  if (version < 1 || record === undefined)
    throw new VersionsError('not-found', `"${head.name}" has no version ${version}; its head is ${head.version}`);
  return record;
}

/** Objects that the change to `version` holds in place: its patch, and the whole content of the version before. */
export function heldByStep({ records }: Artifact, version: number): string[] {
  const record = records[version - 1];
  const held = record.patch === undefined ? [] : [record.patch];
  if (record.keepsPrevious && version > 1) held.push(records[version - 2].sha256);
  return held;
}

/** All objects that an artifact needs: with these every version from the oldest on can be made, and every pinned one. */
export function heldObjects(artifact: Artifact): string[] {
  const { head } = artifact;
  const held = [head.sha256, ...head.pins.map(({ sha256 }) => sha256)];
  for (let version = head.oldest + 1; version <= head.version; version++) held.push(...heldByStep(artifact, version));
  return held;
}

export function toSummary({ head, records }: Artifact): ArtifactSummary {
  const { name, oldest, hold, legalHold, confirm } = head;
  return {
    name,
    head: toRecord(records[head.version - 1]),
    oldest,
    pins: head.pins.map(({ version }) => version),
    ...(hold === undefined ? {} : { hold }),
    ...(legalHold === undefined ? {} : { legalHold }),
    ...(confirm === undefined ? {} : { confirm }),
  };
}
