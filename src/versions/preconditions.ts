import type { Artifact } from './artifact.ts';
import type { Precondition } from './ports.ts';
import { VersionsError } from './versions-error.ts';

/** Throws VersionsError unless the caller knows the head, and answers which one it is. */
export function assertPrecondition(name: string, before: Artifact | undefined, precondition: Precondition | undefined): void {
  if (before === undefined) {
    if (precondition === 'none') return;
    if (precondition === undefined)
      throw new VersionsError('precondition-required', `"${name}" would be new: say so with If-None-Match: *`);
    throw new VersionsError('version-conflict', `there is no artifact "${name}", and so no version ${precondition.version}`);
  }
  const { version, sha256 } = before.head;
  const details = { current: { version, sha256 } };
  if (precondition === undefined)
    throw new VersionsError('precondition-required', `"${name}" is at version ${version}: name it with If-Match`, { details });
  if (precondition === 'none')
    throw new VersionsError('version-conflict', `"${name}" is there already, at version ${version}`, { details });
  if (precondition.version !== version || precondition.sha256 !== sha256)
    throw new VersionsError('version-conflict', `"${name}" is at version ${version}, not at version ${precondition.version}`, { details });
}
