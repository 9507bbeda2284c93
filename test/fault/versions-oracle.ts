import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { heldObjects, loadArtifact } from '../../src/versions/artifact.ts';
import { removeFile } from '../../src/versions/disk.ts';
import type { FileEntry } from './file-audit.ts';
import { contentOf, type OpenedCase, type VersionStep } from './versions-steps.ts';

/** What an artifact should be: contents by name, version 1 first, and what its head says beside. */
export interface Expected {
  readonly contents: readonly string[];
  readonly pins: readonly number[];
  readonly isHeld: boolean;
  /** Where it reverts to. */
  readonly confirm: number | undefined;
}

export interface World {
  readonly artifacts: ReadonlyMap<string, Expected>;
  /** Steps that made it. */
  readonly changes: number;
}

export const NO_WORLD: World = { artifacts: new Map(), changes: 0 };

const NOTHING: Expected = { contents: [], pins: [], isHeld: false, confirm: undefined };

/** What a step makes of the world. */
export function after({ artifacts, changes }: World, step: VersionStep): World {
  const had = artifacts.get(step.name) ?? NOTHING;
  return { artifacts: new Map(artifacts).set(step.name, changed(had, step)), changes: changes + 1 };
}

function changed(had: Expected, step: VersionStep): Expected {
  const { contents, pins } = had;
  switch (step.kind) {
    case 'put':
      return {
        ...had,
        contents: [...contents, step.content],
        confirm: step.confirmWithinS === undefined ? undefined : (had.confirm ?? contents.length),
      };
    case 'rollback':
      return { ...had, contents: [...contents, contents[step.to - 1]], confirm: undefined, isHeld: had.isHeld || step.hold === true };
    case 'revert':
      return { ...had, contents: [...contents, contents[(had.confirm ?? 0) - 1]], confirm: undefined };
    case 'pin':
      return { ...had, pins: [...pins, step.version].toSorted((a, b) => a - b) };
    case 'unpin':
      return { ...had, pins: pins.filter((each) => each !== step.version) };
    case 'confirm':
      return { ...had, confirm: undefined };
    case 'hold':
    case 'release':
      return { ...had, isHeld: step.kind === 'hold' };
  }
}

/** What of the store is not as in the world; empty when all is. Of the contents, those that retention left. */
export async function compare(opened: OpenedCase, { artifacts }: World): Promise<string[]> {
  const wrong: string[] = [];
  const names = [...artifacts].filter(([, { contents }]) => contents.length > 0).map(([name]) => name);
  const found = opened.store.list('', 1000).map(({ name }) => name);
  if (found.join() !== names.toSorted().join()) return [`the artifacts are "${found.join()}" and not "${names.join()}"`];
  for (const name of names) {
    const { contents, pins, isHeld, confirm } = artifacts.get(name) ?? NOTHING;
    const summary = opened.store.summary(name);
    const is = JSON.stringify([summary.head.version, summary.pins, summary.hold !== undefined, summary.confirm?.revertsTo ?? null]);
    const should = JSON.stringify([contents.length, pins, isHeld, confirm ?? null]);
    if (is !== should) {
      wrong.push(`"${name}" is ${is} and not ${should}`);
      continue;
    }
    for (const [i, content] of contents.entries())
      if (i + 1 >= summary.oldest || pins.includes(i + 1)) wrong.push(...(await compareContent(opened, name, i + 1, contentOf(content))));
  }
  return wrong;
}

async function compareContent({ store }: OpenedCase, name: string, version: number, content: Buffer): Promise<string[]> {
  try {
    const { path } = await store.open(name, version);
    const isRight = readFileSync(path).equals(content);
    await removeFile(path);
    return isRight ? [] : [`version ${version} of "${name}" has other bytes`];
  } catch (error) {
    return [`version ${version} of "${name}": ${error instanceof Error ? error.message : String(error)}`];
  }
}

/** What a store that was opened in peace must be, whatever befell the one before: whole, and without anything that nobody needs. */
export async function checkWhole({ store, paths, troubles }: OpenedCase): Promise<string[]> {
  const wrong = [...troubles, ...store.damages()].map((each) => `a start met ${'message' in each ? each.message : each.what}`);
  const needed = new Set<string>();
  for (const { name } of store.list('', 1000)) {
    const { damages } = await store.verify(name);
    wrong.push(...damages.map(({ what }) => `verify found ${what}`));
    const artifact = await loadArtifact(paths, name);
    for (const object of artifact === undefined ? [] : heldObjects(artifact)) needed.add(object);
    if (existsSync(paths.pending(name))) wrong.push(`"${name}" has a change that is not settled`);
  }
  const objects = readdirSync(paths.objects).flatMap((folder) => readdirSync(join(paths.objects, folder)));
  for (const object of objects) if (!needed.has(object)) wrong.push(`nobody needs the object ${object.slice(0, 8)}…`);
  for (const file of readdirSync(paths.incoming)) wrong.push(`"${file}" is left in the folder of what comes in`);
  return wrong;
}

/** Every attempt has its one end, and those that are done are as many as the steps that were. An end may stand there once more as recovered. */
export function checkEntries(entries: readonly FileEntry[], doneSteps: number): string[] {
  const wrong: string[] = [];
  let done = 0;
  for (const attempt of new Set(entries.flatMap((entry) => entry.attempt ?? []))) {
    const all = entries.filter((entry) => entry.attempt === attempt);
    const ends = all.filter(({ outcome }) => outcome !== 'attempted');
    if (ends.length === 0) wrong.push(`an attempt to ${all[0].action} has no end`);
    if (ends.filter(({ recovered }) => recovered === undefined).length > 1) wrong.push(`an attempt to ${all[0].action} ends twice`);
    if (new Set(ends.map(({ outcome }) => outcome)).size > 1) wrong.push(`an attempt to ${all[0].action} is both done and failed`);
    if (ends.some(({ outcome }) => outcome === 'done')) done++;
  }
  if (done !== doneSteps) wrong.push(`the ledger says that ${done} changes are done, and it is ${doneSteps}`);
  return wrong;
}
