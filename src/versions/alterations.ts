import type { Artifact } from './artifact.ts';
import { recordOf } from './artifact.ts';
import type { Head } from './head-file.ts';
import { some } from './next-version.ts';
import type { ArtifactSummary, Caller } from './ports.ts';
import type { Alteration, VersionStore } from './store.ts';
import { VersionsError } from './versions-error.ts';

/** Pins of an artifact: they stand in its head. */
const PINS_MAX = 10_000;

/** Ends the wait of a head that was put for the time being: it stays. */
export function confirmHead(store: VersionStore, name: string, caller: Caller): Promise<ArtifactSummary> {
  return store.alter({ action: 'confirm', name, ...caller }, async (artifact) => {
    const { confirm, ...head } = artifact.head;
    if (confirm === undefined)
      throw new VersionsError('not-confirmable', `version ${head.version} of "${name}" does not wait to be confirmed`);
    return changed(artifact, head);
  });
}

export function holdHead(store: VersionStore, name: string, isHeld: boolean, caller: Caller): Promise<ArtifactSummary> {
  return store.alter({ action: isHeld ? 'hold' : 'release', name, ...caller }, async (artifact) => {
    const { hold, ...head } = artifact.head;
    return isHeld ? changed(artifact, { ...head, hold: held(store, caller) }) : hold && changed(artifact, head);
  });
}

/** While it lasts, retention removes nothing of the artifact. */
export function holdLegally(store: VersionStore, name: string, isHeld: boolean, caller: Caller): Promise<ArtifactSummary> {
  return store.alter({ action: isHeld ? 'legal-hold' : 'legal-release', name, ...caller }, async (artifact) => {
    const { legalHold, ...head } = artifact.head;
    return isHeld ? changed(artifact, { ...head, legalHold: held(store, caller) }) : legalHold && changed(artifact, head);
  });
}

/** Keeps the whole content of a version, whatever retention does, or gives it up. */
export function pinVersion(
  store: VersionStore,
  name: string,
  version: number,
  isPinned: boolean,
  caller: Caller,
): Promise<ArtifactSummary> {
  return store.alter({ action: isPinned ? 'pin' : 'unpin', name, ...caller }, async (artifact) => {
    const { sha256 } = recordOf(artifact, version);
    const { pins } = artifact.head;
    const others = pins.filter((pin) => pin.version !== version);
    if (others.length < pins.length === isPinned) return undefined;
    if (!isPinned) return { ...changed(artifact, { ...artifact.head, pins: others }), releases: [sha256], to: { version, sha256 } };
    if (pins.length >= PINS_MAX) throw new VersionsError('version-limit', `"${name}" has ${PINS_MAX} pins already`);
    const objects = await store.whole(artifact, version);
    const head = { ...artifact.head, pins: [...others, { version, sha256 }].toSorted((a, b) => a.version - b.version) };
    return { ...changed(artifact, head), objects, holds: [sha256], to: { version, sha256 } };
  });
}

function held(store: VersionStore, { actor, reason = '' }: Caller): NonNullable<Head['hold']> {
  return { reason, since: store.now().toISOString(), ...some('actor', actor) };
}

function changed({ records }: Artifact, head: Head): Alteration {
  return { after: { head, records }, objects: [], holds: [], releases: [] };
}
