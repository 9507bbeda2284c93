import { applyStream } from './apply-stream.ts';
import { namedDamage, recordOf, type Artifact } from './artifact.ts';
import { inverted } from './build-patch.ts';
import { Draft, FileSource, removeFile } from './disk.ts';
import type { Objects } from './objects.ts';
import { composeOps, type Op } from './patch.ts';
import { heldBytes, openPatch } from './patch-format.ts';
import type { VersionPaths } from './paths.ts';
import type { StagedContent } from './ports.ts';
import { VersionsError } from './versions-error.ts';

/** Ops of a chain of patches that are composed in memory before they are applied. */
const COMPOSED_BYTES_MAX = 8 * 1024 * 1024;
const COMPOSED_OPS_MAX = 50_000;

/** From which whole content a version is made, and by which versions' patches, in the order in which they are applied. */
export interface Route {
  readonly sha256: string;
  readonly steps: readonly { readonly version: number; readonly patch: string; readonly isInverse: boolean }[];
}

/** The shorter of the two ways: changes taken back from a later whole content, or made from an earlier one. */
export function findRoute(artifact: Artifact, version: number): Route {
  const { head, records } = artifact;
  const { sha256 } = recordOf(artifact, version);
  if (head.pins.some((pin) => pin.version === version)) return { sha256, steps: [] };
  if (version < head.oldest)
    throw new VersionsError(
      'version-gone',
      `retention removed the content of version ${version} of "${head.name}"; the oldest is ${head.oldest}`,
    );
  const back: Route['steps'][number][] = [];
  let later = version;
  // The content of `later` is whole when it is the head, or when the version after it keeps it.
  while (later < head.version && !records[later].keepsPrevious) {
    const { patch } = records[later];
    if (patch === undefined) throw noWay(head.name, version);
    later++;
    back.unshift({ version: later, patch, isInverse: true });
  }
  const forth: Route['steps'][number][] = [];
  for (let at = version; at > head.oldest && forth.length < back.length; at--) {
    const { patch, keepsPrevious } = records[at - 1];
    if (patch === undefined) break;
    forth.unshift({ version: at, patch, isInverse: false });
    if (keepsPrevious && forth.length < back.length) return { sha256: records[at - 2].sha256, steps: forth };
  }
  return { sha256: records[later - 1].sha256, steps: back };
}

function noWay(name: string, version: number): VersionsError {
  return new VersionsError('version-damaged', `names/${name}/index: no whole content leads to version ${version}`);
}

/** A route with all its files open: it stays possible whatever is removed meanwhile. */
export class OpenRoute implements AsyncDisposable {
  readonly #paths: VersionPaths;
  readonly #objects: Objects;
  readonly #base: FileSource;
  readonly #patches: { readonly file: FileSource; readonly hash: string; readonly isInverse: boolean }[] = [];

  private constructor(paths: VersionPaths, objects: Objects, base: FileSource) {
    this.#paths = paths;
    this.#objects = objects;
    this.#base = base;
  }

  static async open(paths: VersionPaths, objects: Objects, route: Route): Promise<OpenRoute> {
    const opened = new OpenRoute(paths, objects, await objects.open(route.sha256));
    try {
      for (const { patch, isInverse } of route.steps) opened.#patches.push({ file: await objects.open(patch), hash: patch, isInverse });
      return opened;
    } catch (error) {
      await opened[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** The content, hashed, in a file of its own. */
  async make(durability: 'durable' | 'passing'): Promise<StagedContent> {
    let composed: Op[] = [];
    let made: StagedContent | undefined;
    for (const patch of this.#patches) {
      const read = await this.#readSmall(patch);
      if (read === undefined) {
        made = await this.#advance(made, composed);
        composed = [];
        made = await this.#advance(made, this.#opsOf(patch));
        continue;
      }
      composed = composed.length === 0 ? read : composeOps(composed, read);
      if (composed.length > COMPOSED_OPS_MAX || sumHeld(composed) > COMPOSED_BYTES_MAX) {
        made = await this.#advance(made, composed);
        composed = [];
      }
    }
    return this.#advance(made, composed, durability);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#base[Symbol.asyncDispose]();
    for (const { file } of this.#patches) await file[Symbol.asyncDispose]();
  }

  async *#opsOf({ file, hash, isInverse }: { file: FileSource; hash: string; isInverse: boolean }): AsyncGenerator<Op, void, undefined> {
    try {
      const ops = (await openPatch(file)).ops();
      yield* isInverse ? inverted(ops) : ops;
    } catch (error) {
      throw namedDamage(this.#paths, this.#objects.path(hash), error);
    }
  }

  /** All ops of a patch, or undefined when they are too many to be held. */
  async #readSmall(patch: { file: FileSource; hash: string; isInverse: boolean }): Promise<Op[] | undefined> {
    const ops: Op[] = [];
    let held = 0;
    for await (const op of this.#opsOf(patch)) {
      held += heldBytes(op);
      ops.push(op);
      if (held > COMPOSED_BYTES_MAX || ops.length > COMPOSED_OPS_MAX) return undefined;
    }
    return ops;
  }

  /** Applies ops to what was made so far, and drops that. */
  async #advance(
    made: StagedContent | undefined,
    ops: AsyncIterable<Op> | Iterable<Op>,
    durability: 'durable' | 'passing' = 'passing',
  ): Promise<StagedContent> {
    const draft = await Draft.open(this.#paths.fresh());
    try {
      await using source = made === undefined ? undefined : await FileSource.open(made.path);
      for await (const chunk of applyStream(ops, source ?? this.#base)) await draft.append(chunk);
      const next = { path: draft.path, ...(await draft.finish(durability)) };
      if (made !== undefined) await removeFile(made.path);
      return next;
    } catch (error) {
      await draft.drop();
      if (made !== undefined) await removeFile(made.path);
      throw error;
    }
  }
}

function sumHeld(ops: readonly Op[]): number {
  return ops.reduce((sum, op) => sum + heldBytes(op), 0);
}
