import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { COMPILE_CACHE } from '../support/compile-cache.ts';
import { readTrace, TRACE_FORMAT, type TracedCall } from './syscall-trace.ts';
import { after, checkEntries, checkWhole, compare, NO_WORLD, type World } from './versions-oracle.ts';
import { copyOf, makeTemplate, scenarioOf, type VersionScenario } from './versions-scenarios.ts';
import { openCase, perform, type OpenedCase, type VersionStep } from './versions-steps.ts';

export const VERSION_FAULTS = ['KILL', 'EIO', 'ENOSPC'] as const;
export type VersionFault = (typeof VERSION_FAULTS)[number];

/** One call of a scenario: the n-th of this name on this file by its thread. */
export interface VersionSite {
  readonly scenario: VersionScenario;
  /** Folder that each case begins with, and what is in it. */
  readonly template: string;
  readonly worlds: readonly World[];
  readonly call: string;
  /** Below the case's folder. */
  readonly file: string;
  readonly nth: number;
  readonly phase: 'start' | 'step';
}

export interface VersionOutcome {
  readonly site: VersionSite;
  readonly fault: VersionFault;
  /** What each step was told: "done", an error code, or "no answer". */
  readonly answers: readonly string[];
  readonly exitCode: number;
  /** What became of the step under test. */
  readonly head: 'new' | 'old' | '–';
  /** Broken promises. */
  readonly wrong: readonly string[];
}

interface Said {
  readonly ready?: readonly string[];
  readonly step?: number;
  readonly isDone?: boolean;
  readonly code?: string;
  readonly message?: string;
}

const SCRIPT = fileURLToPath(new URL('./versions-script.run.ts', import.meta.url));
const STRACE = '/usr/bin/strace';
const NEEDS_SPACE: readonly string[] = ['openat', 'pwrite64', 'write', 'ftruncate', 'fsync', 'fdatasync', 'rename', 'mkdir', 'link'];

async function runScript(
  scenario: VersionScenario,
  folder: string,
  inject: readonly string[],
  isKilling: boolean,
): Promise<{ said: Said[]; exitCode: number; calls: readonly TracedCall[]; stderr: string }> {
  const output = `${folder}.strace`;
  const strace = ['-D', '-f', '-q', ...(isKilling ? [] : ['--seccomp-bpf']), '-o', output, ...TRACE_FORMAT, ...inject];
  const child = spawn(STRACE, [...strace, process.execPath, SCRIPT, folder, scenario.name], {
    // One pool thread: the n-th call is the same each time.
    env: { PATH: process.env.PATH ?? '', ...COMPILE_CACHE, UV_THREADPOOL_SIZE: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const exitCode = await new Promise<number>((resolve, reject) => {
    child.once('error', (cause) => reject(new Error('these tests need strace: apt-get install strace', { cause })));
    child.once('close', (code, signal) => resolve(code ?? 128 + constants.signals[signal ?? 'SIGKILL']));
  });
  const { calls } = await readTrace(output, child.pid ?? 0);
  rmSync(output);
  const said = stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Said);
  return { said, exitCode, calls, stderr };
}

function worldOf(steps: readonly VersionStep[]): World {
  return steps.reduce(after, NO_WORLD);
}

/** Folder and worlds that a scenario begins with: a start finds what a killed process left. */
async function begin(scenario: VersionScenario, directory: string): Promise<Pick<VersionSite, 'template' | 'worlds'>> {
  if (scenario.after === undefined) return { template: await makeTemplate(scenario, directory), worlds: [worldOf(scenario.before)] };
  const { scenario: name, call, file } = scenario.after;
  const site = (await findVersionSites(scenarioOf(name), directory)).find(
    (each) => each.phase === 'step' && each.call === call && file.test(each.file),
  );
  if (site === undefined) throw new Error(`${scenario.name}: "${name}" has no such call`);
  const template = copyOf(site.template);
  const { exitCode } = await runScript(site.scenario, template, injection(site, 'KILL', template), true);
  if (exitCode !== 137) throw new Error(`${scenario.name}: "${name}" was not killed`);
  return { template, worlds: [...site.worlds, after(site.worlds[0], site.scenario.steps[0])] };
}

/** Runs the scenario once undisturbed and lists every call that changes something: of its first step, or of its start. */
export async function findVersionSites(scenario: VersionScenario, directory: string): Promise<VersionSite[]> {
  const { template, worlds } = await begin(scenario, directory);
  const folder = copyOf(template);
  const { said, exitCode, calls, stderr } = await runScript(scenario, folder, [], false);
  if (exitCode !== 0 || said.length !== scenario.steps.length + 1 || said.some(({ isDone }) => isDone === false))
    throw new Error(`${scenario.name}: the undisturbed run failed: ${JSON.stringify(said)} ${stderr}`);
  const counts = new Map<string, number>();
  let answered = 0;
  const sites = calls.flatMap(({ thread, name, args, path }): VersionSite[] => {
    if (name === 'write' && args.startsWith('1<')) answered++;
    if (!path.startsWith(`${folder}/`)) return [];
    const nth = (counts.get(`${thread} ${name} ${path}`) ?? 0) + 1;
    counts.set(`${thread} ${name} ${path}`, nth);
    const isFirst = scenario.after === undefined && scenario.before.length === 0;
    const isAbout = answered === 0 ? isFirst || scenario.after !== undefined : answered === 1 && scenario.after === undefined;
    if (!isAbout || (name === 'openat' && !args.includes('O_CREAT') && !args.includes('O_RDWR'))) return [];
    const phase = answered === 0 ? 'start' : 'step';
    return [{ scenario, template, worlds, call: name, file: path.slice(folder.length + 1), nth, phase }];
  });
  rmSync(folder, { recursive: true });
  return sites;
}

export function versionFaultsFor({ call }: VersionSite): readonly VersionFault[] {
  return VERSION_FAULTS.filter((fault) => fault !== 'ENOSPC' || NEEDS_SPACE.includes(call));
}

function injection({ file, call, nth }: VersionSite, fault: VersionFault, folder: string, isLasting = false): string[] {
  return [
    '-P',
    join(folder, file),
    '-e',
    `inject=${call}:${fault === 'KILL' ? 'signal=SIGKILL' : `error=${fault}`}:when=${nth}${isLasting ? '+' : ''}`,
  ];
}

/** One fault at one call, and at all after it where it is lasting; then a start in peace: answers what is not as promised. */
export async function runVersionCase(site: VersionSite, fault: VersionFault, isLasting = false): Promise<VersionOutcome> {
  const { scenario, template } = site;
  const folder = copyOf(template);
  const { said, exitCode, calls, stderr } = await runScript(scenario, folder, injection(site, fault, folder, isLasting), fault === 'KILL');
  const wrong: string[] = [];
  if (!calls.some((call) => call.isInjected && call.name === site.call)) wrong.push('the fault was not injected: the call did not happen');
  const hasStarted = said.some(({ ready }) => ready !== undefined);
  if (fault === 'KILL' ? exitCode !== 137 : exitCode !== 0 && (hasStarted || site.phase === 'step'))
    wrong.push(`it ended with ${exitCode}: ${stderr}`);
  const answers = scenario.steps.map((_, step) => {
    const found = said.find((each) => each.step === step);
    return found === undefined ? 'no answer' : found.isDone === true ? 'done' : (found.code ?? '');
  });
  const isMade = said.map(({ message = '' }) => /change was made|head was changed/.test(message));
  for (const [i, { step, isDone, code = '' }] of said.entries()) {
    if (isDone !== false) continue;
    if (!['disk-full', 'version-io'].includes(code)) wrong.push(`step ${step} was refused with ${code}: ${said[i].message}`);
    if (step !== 0 && site.phase === 'step' && !isLasting) wrong.push(`step ${step} does not go on: ${said[i].message}`);
  }
  const applied = scenario.steps.filter((_, step) => said.some((each, i) => each.step === step && (each.isDone === true || isMade[i])));
  const open = said.length <= scenario.steps.length && hasStarted ? scenario.steps[said.length - 1] : undefined;
  const worlds = site.worlds.map((world) => applied.reduce(after, world));
  const outcome = await startAgain(site, folder, worlds, open);
  rmSync(folder, { recursive: true });
  const isNew = applied.includes(scenario.steps[0]) || outcome.isNew;
  const head = site.phase === 'start' ? '–' : isNew ? 'new' : 'old';
  return { site, fault, answers, exitCode, head, wrong: [...wrong, ...outcome.wrong] };
}

/** The start in peace after a fault, from which everything goes on. `open`: the step that nobody knows the end of. */
async function startAgain(
  { scenario }: VersionSite,
  folder: string,
  worlds: readonly World[],
  open: VersionStep | undefined,
): Promise<{ isNew: boolean; wrong: string[] }> {
  try {
    const opened = await openCase(folder, scenario.keep, scenario.clockMs);
    const candidates = [...worlds, ...(open === undefined ? [] : worlds.map((world) => after(world, open)))];
    const differences: string[][] = [];
    for (const world of candidates) differences.push(await compare(opened, world));
    const found = differences.findIndex((each) => each.length === 0);
    if (found < 0) return { isNew: false, wrong: differences[0] };
    const isNew = found >= worlds.length;
    const wrong = [...(await checkWhole(opened)), ...checkEntries(opened.audit.entries(), candidates[found].changes)];
    wrong.push(...(await goOn(opened, candidates[found], isNew ? undefined : open)));
    return { isNew, wrong: [...wrong, ...(await checkWhole(await openCase(folder, scenario.keep, scenario.clockMs)))] };
  } catch (error) {
    return { isNew: false, wrong: [`does not go on in peace: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`] };
  }
}

/** The step whose end was unknown and that did not happen, and one more. */
async function goOn(opened: OpenedCase, world: World, open: VersionStep | undefined): Promise<string[]> {
  const steps: VersionStep[] = open === undefined ? [] : [open];
  if (steps.reduce(after, world).artifacts.get('a')?.isHeld === true) steps.push({ kind: 'release', name: 'a' });
  steps.push({ kind: 'put', name: 'a', content: 'in the end' });
  for (const step of steps) await perform(opened, step);
  return compare(opened, steps.reduce(after, world));
}
