import { applyStream } from './apply-stream.ts';
import { loadArtifact, namedDamage, type Artifact } from './artifact.ts';
import { inverted } from './build-patch.ts';
import { Draft, FileSource, removeFile } from './disk.ts';
import { formatHead } from './head-file.ts';
import type { Objects } from './objects.ts';
import { openPatch } from './patch-format.ts';
import type { VersionPaths } from './paths.ts';
import type { Damage } from './ports.ts';
import { toVersionsError } from './to-versions-error.ts';
import { VersionsError } from './versions-error.ts';

/** Damages that a report lists. */
const DAMAGES_MAX = 100;

export interface Verified {
  readonly checked: number;
  readonly damages: readonly Damage[];
}

/** A content that is open; `path`: a file that was made for it. */
interface Made {
  readonly source: FileSource;
  readonly path?: string;
}

/**
 * Makes every version that retention left, newest first, by taking changes back, and hashes each; every whole content and every pin too.
 * `isNeeded`: retention has not removed it meanwhile. `opened`: the content of the head, where another head may take its place.
 */
export async function verifyArtifact(
  paths: VersionPaths,
  objects: Objects,
  artifact: Artifact,
  isNeeded: (version: number) => boolean,
  opened?: FileSource | VersionsError,
): Promise<Verified> {
  const { head, records } = artifact;
  const damages: Damage[] = [];
  let checked = 0;
  const trying = async <T>(version: number, step: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await step();
    } catch (cause) {
      const error = toVersionsError(cause);
      if (error.code !== 'version-damaged') throw error;
      const damage = toDamage(error, `version ${version}: `);
      // A pin may be the whole content that was looked at already.
      const isNew = damages.length < DAMAGES_MAX && damages.every(({ what }) => what !== damage.what);
      if (isNew && isNeeded(version)) damages.push(damage);
      return undefined;
    }
  };
  const openWhole = async (version: number): Promise<Made | undefined> =>
    trying(version, async () => {
      const source = version === head.version && opened !== undefined ? opened : await objects.openAnew(records[version - 1].sha256);
      if (source instanceof VersionsError) throw source;
      return { source };
    });
  let made: Made | undefined;
  try {
    for (let version = head.version; version >= head.oldest; version--) {
      const later = made;
      const { patch, keepsPrevious } = records[version] ?? { keepsPrevious: true };
      const { sha256 } = records[version - 1];
      made =
        later === undefined || patch === undefined
          ? undefined
          : await trying(version, () => takeBack(paths, objects, later.source, patch, sha256));
      await drop(later);
      if (keepsPrevious) {
        const taken = made;
        made = (await openWhole(version)) ?? taken;
        if (made !== taken) await drop(taken);
      }
      if (made !== undefined) checked++;
      else if (later === undefined && !keepsPrevious) {
        const place = damages.at(-1)?.place ?? '';
        await trying(version, () =>
          Promise.reject(new VersionsError('version-damaged', `${place}: nothing else leads back to this version`)),
        );
      }
    }
    for (const { version } of head.pins) {
      const whole = await openWhole(version);
      await drop(whole);
      if (whole !== undefined && version < head.oldest) checked++;
    }
    return { checked, damages };
  } finally {
    await drop(made);
  }
}

/** What is wrong with the two files of an artifact that is in use. */
export async function checkFiles(paths: VersionPaths, { head }: Artifact): Promise<Damage[]> {
  const where = paths.placeOf(paths.head(head.name));
  try {
    const stored = await loadArtifact(paths, head.name);
    if (stored === undefined) return [{ place: where, what: `${where}: it is missing` }];
    return formatHead(stored.head) === formatHead(head) ? [] : [{ place: where, what: `${where}: it is another head than was written` }];
  } catch (cause) {
    const error = toVersionsError(cause);
    if (error.code !== 'version-damaged') throw error;
    return [toDamage(error)];
  }
}

/** Damage as its message says it, which begins with the place. */
export function toDamage({ message }: VersionsError, subject = ''): Damage {
  return { place: message.split(': ', 1)[0], what: `${subject}${message}` };
}

async function takeBack(paths: VersionPaths, objects: Objects, source: FileSource, patch: string, sha256: string): Promise<Made> {
  await using file = await objects.openAnew(patch);
  const draft = await Draft.open(paths.fresh());
  try {
    for await (const chunk of applyStream(inverted((await openPatch(file)).ops()), source)) await draft.append(chunk);
    const found = (await draft.finish('passing')).sha256;
    if (found !== sha256) throw new VersionsError('version-damaged', `it leads to the hash ${found}`);
    return { source: await FileSource.open(draft.path), path: draft.path };
  } catch (error) {
    await draft.drop();
    throw namedDamage(paths, objects.path(patch), error);
  }
}

async function drop(made: Made | undefined): Promise<void> {
  await made?.source[Symbol.asyncDispose]();
  if (made?.path !== undefined) await removeFile(made.path);
}
