import type { CaseFolder } from './case-folder.ts';
import { newSteps, type Scenario } from './scenarios.ts';
import { isSealFrame, isSegmentWrite, type Trace } from './syscall-trace.ts';
import { runScenario } from './traced-run.ts';

/** create: the ledger's first files · start: up to "listening" · commit · seal: an epoch's end · stop: from SIGTERM on · rotation: all of it · pruning: all before the stop. */
export type Phase = 'create' | 'start' | 'commit' | 'seal' | 'stop' | 'rotation' | 'pruning';

/** One call of a scenario: the n-th of this name on this file by its thread. */
export interface FaultSite {
  readonly scenario: Scenario;
  readonly call: string;
  /** Below the case's folder, as in data/ledger/watermark or anchors/….checkpoint. */
  readonly file: string;
  readonly nth: number;
  readonly phase: Phase;
  /** What the call returned when nobody interfered. */
  readonly result: number;
}

/** Named after the ledger's id, which every new ledger draws anew: the scenario "lock" has these with a known name. */
const NAMED_BY_CHANCE = /^anchors\/[0-9a-f]{32}\./;
/** Rewritten all the time for the watch to see; nothing depends on it. */
const CANARY = 'data/.watch-canary';

/** Runs the scenario once undisturbed under strace and lists every call that changes something below its folder. */
export async function findSites(scenario: Scenario, directory: string): Promise<FaultSite[]> {
  const folder = scenario.template.copyTo(`${directory}/probe-${scenario.name}`);
  const run = await runScenario(scenario.name, folder, { steps: newSteps(scenario), env: scenario.env, inject: [], isKilling: false });
  if (run.exitCode !== 0 || run.answers.some((answer) => answer !== '201' && answer !== 'not sent'))
    throw new Error(`${scenario.name}: the undisturbed run failed: ${run.answers.join()} ${run.exitCode} ${run.stderr}`);
  const counts = new Map<string, number>();
  const seen = new Set<string>();
  let isSealing = false;
  return run.calls.flatMap((call, index): FaultSite[] => {
    const { thread, name, args, path, result } = call;
    if (isSegmentWrite(call)) isSealing = isSealFrame(call);
    if (path !== folder.path && !path.startsWith(`${folder.path}/`)) return [];
    const nth = (counts.get(`${thread} ${name} ${path}`) ?? 0) + 1;
    counts.set(`${thread} ${name} ${path}`, nth);
    // strace counts for each thread: whichever comes first to its n-th call is hit, so a second thread's n-th cannot be.
    const isReached = !seen.has(`${name} ${path} ${nth}`);
    seen.add(`${name} ${path} ${nth}`);
    const isWriting = name !== 'openat' || args.includes('O_CREAT');
    const file = relative(folder, path);
    if (!isReached || !isWriting || file === CANARY || (scenario.name === 'create' && NAMED_BY_CHANCE.test(file))) return [];
    return [{ scenario, call: name, file, nth, phase: phaseOf(scenario, index, run, isSealing), result: result ?? 0 }];
  });
}

function phaseOf({ name }: Scenario, index: number, { callsToListening, callsToStop }: Trace, isSealing: boolean): Phase {
  if (name === 'rotate-keys') return 'rotation';
  // Beside the start: whether before or after it listens is chance.
  if (name === 'prune' && index < callsToStop) return 'pruning';
  if (index < callsToListening) return name === 'create' ? 'create' : 'start';
  if (index >= callsToStop) return 'stop';
  return isSealing ? 'seal' : 'commit';
}

function relative(folder: CaseFolder, path: string): string {
  return path === folder.path ? '.' : path.slice(folder.path.length + 1);
}
