import { join } from 'node:path';
import { heldObjects, loadArtifact, type Artifact } from './artifact.ts';
import type { Committer } from './commit.ts';
import { listFolder, makeFolder, removeFile } from './disk.ts';
import type { Objects } from './objects.ts';
import type { VersionPaths } from './paths.ts';
import { ARTIFACT_NAME, type Damage } from './ports.ts';
import { toVersionsError } from './to-versions-error.ts';
import { VersionsError } from './versions-error.ts';

/** All artifacts by name, as their files say. Those that cannot be read are there too, and refuse everything. */
export class Artifacts {
  readonly #known = new Map<string, Artifact>();
  readonly #damaged = new Map<string, VersionsError>();
  #versions = 0;

  get count(): number {
    return this.#known.size + this.#damaged.size;
  }

  /** Of all artifacts together. */
  get versions(): number {
    return this.#versions;
  }

  /** What a crash left is removed, what it left open is settled. An entry that the ledger does not take now it takes with the next change. */
  async load(paths: VersionPaths, objects: Objects, committer: Committer, trouble: (error: VersionsError) => void): Promise<void> {
    for (const folder of [paths.root, paths.incoming, paths.objects, paths.names]) await makeFolder(folder);
    const trying = async (work: () => Promise<void>): Promise<void> => work().catch((cause: unknown) => trouble(toVersionsError(cause)));
    for (const name of await listFolder(paths.incoming)) await trying(() => removeFile(join(paths.incoming, name)));
    for (const name of await listFolder(paths.names)) {
      if (!ARTIFACT_NAME.test(name)) continue;
      let artifact: Artifact | undefined;
      try {
        artifact = await loadArtifact(paths, name);
      } catch (cause) {
        // Also what the disk does not let us read now: it is not gone, and what it needs must stay.
        const error = toVersionsError(cause);
        this.#damaged.set(name, error);
        trouble(error);
        continue;
      }
      if (artifact !== undefined) {
        this.set(artifact);
        objects.hold(heldObjects(artifact));
      }
      await trying(() => committer.settle(name, artifact));
    }
    // What a damaged artifact needs is not known: nothing goes while there is one.
    if (this.#damaged.size > 0) return objects.keepAll();
    await trying(async () => {
      for await (const object of objects.all()) await trying(() => objects.sweep([object]));
    });
  }

  set(artifact: Artifact): void {
    const { name } = artifact.head;
    this.#versions += artifact.records.length - (this.#known.get(name)?.records.length ?? 0);
    this.#known.set(name, artifact);
  }

  /** Undefined when there is none. Throws VersionsError `version-damaged` when its files cannot be read. */
  find(name: string): Artifact | undefined {
    const damage = this.#damaged.get(name);
    if (damage !== undefined) throw damage;
    return this.#known.get(name);
  }

  /** Throws VersionsError `not-found` too. */
  get(name: string): Artifact {
    const artifact = this.find(name);
    if (artifact === undefined) throw new VersionsError('not-found', `there is no artifact "${name}"`);
    return artifact;
  }

  /** By name. */
  all(): Artifact[] {
    return Array.from(this.#known.values()).toSorted((a, b) => (a.head.name < b.head.name ? -1 : 1));
  }

  damages(): Damage[] {
    return Array.from(this.#damaged, ([name, { message }]) => ({ place: `names/${name}`, what: message }));
  }

  /** Why the artifact cannot be used; undefined when it can, or when there is none. */
  damageOf(name: string): VersionsError | undefined {
    return this.#damaged.get(name);
  }
}
