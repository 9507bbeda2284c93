import { heldObjects, loadArtifact } from './artifact.ts';
import { isPresent, listFolder } from './disk.ts';
import { Objects } from './objects.ts';
import { VersionPaths } from './paths.ts';
import { ARTIFACT_NAME, type Damage } from './ports.ts';
import { toVersionsError } from './to-versions-error.ts';
import { verifyArtifact } from './verify-artifact.ts';

export interface FsckReport {
  readonly artifacts: number;
  readonly versions: number;
  /** Versions whose content was made and hashed. */
  readonly checked: number;
  readonly damages: readonly Damage[];
  /** Objects that nothing needs: the next start removes them. */
  readonly unneeded: number;
  /** Artifacts with a change whose end is not in the ledger: the next start adds it. */
  readonly unsettled: readonly string[];
}

/** Checks a folder beside or without a running sidecar, and changes nothing in it. `scratch`: an empty folder for contents that are made. */
export async function checkFolder(dataDir: string, scratch: string): Promise<FsckReport> {
  const paths = new VersionPaths(dataDir, scratch);
  const objects = new Objects(paths);
  const report = { artifacts: 0, versions: 0, checked: 0, damages: [] as Damage[], unneeded: 0, unsettled: [] as string[] };
  for (const name of await listFolder(paths.names)) {
    if (!ARTIFACT_NAME.test(name)) {
      report.damages.push({ place: `names/${name}`, what: 'no artifact has such a name' });
      continue;
    }
    try {
      if (await isPresent(paths.pending(name))) report.unsettled.push(name);
      const artifact = await loadArtifact(paths, name);
      if (artifact === undefined) continue;
      objects.hold(heldObjects(artifact));
      const verified = await verifyArtifact(paths, objects, artifact, () => true);
      report.artifacts++;
      report.versions += artifact.head.version;
      report.checked += verified.checked;
      report.damages.push(...verified.damages);
    } catch (cause) {
      // Also what cannot be read: whoever asks wants to know the rest.
      report.damages.push({ place: `names/${name}`, what: toVersionsError(cause).message });
    }
  }
  for await (const object of objects.all()) if (!objects.isHeld(object)) report.unneeded++;
  return report;
}
