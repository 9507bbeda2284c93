import { applyStream } from './apply-stream.ts';
import { namedDamage, type Artifact } from './artifact.ts';
import { inverted } from './build-patch.ts';
import { Draft, FileSource, removeFile } from './disk.ts';
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

/** Makes every version that retention left, newest first, by taking changes back, and hashes each. `isCurrent`: still among those. */
export async function verifyArtifact(
  paths: VersionPaths,
  objects: Objects,
  artifact: Artifact,
  isCurrent: (version: number) => boolean,
): Promise<Verified> {
  const { head, records } = artifact;
  const damages: Damage[] = [];
  let checked = 0;
  let made: { readonly source: FileSource; readonly path?: string } | undefined;
  const attempt = async (version: number, step: () => Promise<typeof made>): Promise<typeof made> => {
    try {
      const next = await step();
      checked++;
      return next;
    } catch (cause) {
      const error = toVersionsError(cause);
      if (error.code !== 'version-damaged') throw error;
      // What retention took away meanwhile is not damaged.
      if (isCurrent(version) && damages.length < DAMAGES_MAX)
        damages.push({ place: placeIn(error), what: `version ${version}: ${error.message}` });
      return undefined;
    }
  };
  try {
    for (let version = head.version; version >= head.oldest; version--) {
      const before = made;
      const next = records[version];
      const isWhole = version === head.version || next.keepsPrevious;
      made = await attempt(version, async () => {
        const { sha256 } = records[version - 1];
        const taken =
          before === undefined || next?.patch === undefined ? undefined : await takeBack(paths, objects, before.source, next.patch, sha256);
        if (!isWhole) {
          if (taken === undefined)
            throw new VersionsError('version-damaged', `objects: nothing whole is left that leads to version ${version}`);
          return taken;
        }
        await taken?.source[Symbol.asyncDispose]();
        if (taken !== undefined) await removeFile(taken.path);
        return { source: await objects.open(sha256) };
      });
      await drop(before);
    }
    for (const pin of head.pins)
      if (pin.version < head.oldest) await drop(await attempt(pin.version, async () => ({ source: await objects.open(pin.sha256) })));
    return { checked, damages };
  } finally {
    await drop(made);
  }
}

async function takeBack(
  paths: VersionPaths,
  objects: Objects,
  source: FileSource,
  patch: string,
  sha256: string,
): Promise<{ source: FileSource; path: string }> {
  await using file = await objects.open(patch);
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

async function drop(made: { readonly source: FileSource; readonly path?: string } | undefined): Promise<void> {
  await made?.source[Symbol.asyncDispose]();
  if (made?.path !== undefined) await removeFile(made.path);
}

function placeIn({ message }: VersionsError): string {
  return message.split(': ', 1)[0];
}
