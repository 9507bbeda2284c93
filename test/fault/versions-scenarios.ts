import { cpSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { openCase, perform, type VersionStep } from './versions-steps.ts';

export interface VersionScenario {
  readonly name: string;
  /** Retention. */
  readonly keep?: number;
  /** What is there before; of a start, what `after` names. */
  readonly before: readonly VersionStep[];
  /** The first one is under test; the others show that it goes on. */
  readonly steps: readonly VersionStep[];
  /** A process that did `steps` of this scenario was killed at its first such call: the start is under test. */
  readonly after?: { readonly scenario: string; readonly call: string; readonly file: RegExp };
  /** What of the clock has passed. */
  readonly clockMs?: number;
}

const put = (content: string, more: { confirmWithinS?: number } = {}): VersionStep => ({ kind: 'put', name: 'a', content, ...more });
const GO_ON: VersionStep = { kind: 'put', name: 'a', content: 'goes on' };
const PIN: VersionStep = { kind: 'pin', name: 'a', version: 1 };
const THREE = [put('1'), put('2'), put('3')];

export const VERSION_SCENARIOS: readonly VersionScenario[] = [
  { name: 'first-put', before: [], steps: [put('1'), put('2')] },
  { name: 'put-splice', before: [put('1'), { ...put('1'), name: 'other' }], steps: [put('2'), GO_ON] },
  { name: 'put-full', before: [put('1')], steps: [put('noise 2'), GO_ON] },
  { name: 'put-shared', before: [put('1'), { ...put('noise'), name: 'other' }], steps: [put('noise'), GO_ON] },
  { name: 'rollback', before: THREE, steps: [{ kind: 'rollback', name: 'a', to: 1 }, GO_ON] },
  {
    name: 'rollback-hold',
    before: THREE,
    steps: [{ kind: 'rollback', name: 'a', to: 2, hold: true }, PIN],
  },
  { name: 'revert', before: [put('1'), put('2', { confirmWithinS: 1 })], steps: [{ kind: 'revert', name: 'a' }, GO_ON], clockMs: 5000 },
  { name: 'pin', before: THREE, steps: [PIN, GO_ON] },
  {
    name: 'unpin',
    before: [...THREE, PIN, { kind: 'pin', name: 'a', version: 2 }],
    steps: [{ kind: 'unpin', name: 'a', version: 1 }, GO_ON],
  },
  { name: 'retention', keep: 2, before: [put('noise 1'), put('2'), put('3')], steps: [put('4'), GO_ON] },
  { name: 'hold', before: THREE, steps: [{ kind: 'hold', name: 'a' }, PIN] },
  { name: 'confirm', before: [put('1'), put('2', { confirmWithinS: 60 })], steps: [{ kind: 'confirm', name: 'a' }, GO_ON] },
  { name: 'start-unsettled', before: [], steps: [GO_ON], after: { scenario: 'rollback', call: 'rename', file: /names\/a\/head\.tmp$/ } },
  { name: 'start-first', before: [], steps: [put('2')], after: { scenario: 'first-put', call: 'rename', file: /names\/a\/head\.tmp$/ } },
  { name: 'start-done', keep: 2, before: [], steps: [GO_ON], after: { scenario: 'retention', call: 'unlink', file: /names\/a\/pending$/ } },
  { name: 'start-removing', keep: 2, before: [], steps: [GO_ON], after: { scenario: 'retention', call: 'unlink', file: /objects\// } },
];

export function scenarioOf(name: string): VersionScenario {
  const found = VERSION_SCENARIOS.find((each) => each.name === name);
  if (found === undefined) throw new Error(`no scenario "${name}"; there are ${VERSION_SCENARIOS.map((each) => each.name).join(', ')}`);
  return found;
}

/** Folders are named apart by it. */
let copies = 0;

/** A folder with what is there before; each case copies it. */
export async function makeTemplate(scenario: VersionScenario, directory: string): Promise<string> {
  const folder = join(directory, `${scenario.name}-${copies++}`);
  mkdirSync(folder);
  if (scenario.before.length === 0) return folder;
  const opened = await openCase(folder, scenario.keep);
  for (const step of scenario.before) await perform(opened, step);
  return folder;
}

export function copyOf(template: string): string {
  const folder = `${template}-${copies++}`;
  cpSync(template, folder, { recursive: true });
  return folder;
}
