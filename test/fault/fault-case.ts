import { cpSync, existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { SidecarStartError, startSidecar, type Sidecar } from '../support/sidecar.ts';
import { compareWithSent, readRequests } from './ledger-oracle.ts';
import { offlineVerdict } from './offline-verdict.ts';
import { isConnectionError, post, type SentBatch } from './producer.ts';
import { newBatch, type Scenario } from './scenarios.ts';
import { readTrace, WRITING_CALLS, type TracedCall } from './syscall-trace.ts';

/** One call of a scenario: the n-th of this name on this file by its thread. */
export interface FaultSite {
  readonly scenario: Scenario;
  readonly call: string;
  /** Below the data folder; "." is the folder itself. */
  readonly file: string;
  readonly nth: number;
  readonly phase: 'create' | 'start' | 'commit' | 'stop';
}

/** KILL ends the process before the call; LOST says it succeeded without doing it. */
export type Fault = 'EIO' | 'ENOSPC' | 'KILL' | 'LOST';

export interface FaultOutcome {
  readonly site: FaultSite;
  readonly fault: Fault;
  /** What the producer was told, request by request: a status, or "no answer". */
  readonly answers: readonly string[];
  /** Status of /readyz after the requests, when the process was still there. */
  readonly readiness: string | undefined;
  /** Exit code of the process the fault was injected into. */
  readonly exitCode: number;
  readonly stderr: string;
  /** Of what was left on the disk, before any recovery. */
  readonly verdict: string;
  /** Broken promises after the next start: empty when all were kept. */
  readonly wrong: readonly string[];
}

interface TracedRun {
  readonly answers: string[];
  readonly readiness: string | undefined;
  readonly exitCode: number;
  readonly stderr: string;
  readonly calls: readonly TracedCall[];
}

/** Folders get names of their own: cases may run side by side. */
let caseNumber = 0;

/** Runs the scenario once undisturbed under strace and lists every call that changes something below its data folder. */
export async function findSites(scenario: Scenario, directory: string): Promise<FaultSite[]> {
  const dataDir = join(directory, `probe-${scenario.name}`);
  cpSync(scenario.template, dataDir, { recursive: true });
  const { calls, exitCode, stderr, answers } = await runTraced(dataDir, newBatches(scenario), []);
  if (exitCode !== 0 || answers.some((answer) => answer !== '201'))
    throw new Error(`${scenario.name}: the undisturbed run failed: ${answers.join()} ${exitCode} ${stderr}`);
  const inside = calls.filter(({ path }) => path === dataDir || path.startsWith(`${dataDir}/`));
  const firstCommit = inside.findIndex(({ name, path }) => name === 'pwrite64' && path.includes('/ledger/segments/'));
  const lastWatermark = inside.findLastIndex(({ name, path }) => name === 'pwrite64' && path.endsWith('/watermark'));
  const counts = new Map<string, number>();
  const seen = new Set<string>();
  return inside.flatMap(({ thread, name, args, path }, index): FaultSite[] => {
    const nth = (counts.get(`${thread} ${name} ${path}`) ?? 0) + 1;
    counts.set(`${thread} ${name} ${path}`, nth);
    // strace counts for each thread: whichever comes first to its n-th call is hit, so a second thread's n-th cannot be.
    const isReached = !seen.has(`${name} ${path} ${nth}`);
    seen.add(`${name} ${path} ${nth}`);
    if (!isReached || (name === 'openat' && !args.includes('O_CREAT'))) return [];
    const file = path === dataDir ? '.' : path.slice(dataDir.length + 1);
    const isCreating = file === '.' || /^(?:keys|ledger\.new|ledger\.lock)/.test(file);
    const phase = isCreating ? 'create' : index < firstCommit ? 'start' : index > lastWatermark ? 'stop' : 'commit';
    return [{ scenario, call: name, file, nth, phase }];
  });
}

/** Copies the scenario's folder, injects one fault, then starts again in peace, retries what was unanswered and compares. */
export async function runFaultCase(site: FaultSite, fault: Fault, directory: string): Promise<FaultOutcome> {
  const { scenario } = site;
  const dataDir = join(directory, `case-${caseNumber++}`);
  cpSync(scenario.template, dataDir, { recursive: true });
  const sent = newBatches(scenario);
  const path = site.file === '.' ? dataDir : join(dataDir, site.file);
  const run = await runTraced(dataDir, sent, ['-P', path, '-e', `inject=${site.call}:${injection(site, fault)}:when=${site.nth}`], fault);
  const hits = run.calls.filter((call) => call.isInjected && call.name === site.call);
  const { verdict } = existsSync(join(dataDir, 'ledger')) ? await offlineVerdict(dataDir) : { verdict: 'no ledger yet' };
  const wrong = await startAgain(dataDir, [...scenario.stored, ...sent], sent);
  if (hits.length === 0) wrong.unshift('the fault was not injected: the call did not happen');
  rmSync(dataDir, { recursive: true, force: true });
  const { answers, readiness, exitCode, stderr } = run;
  return { site, fault, answers, readiness, exitCode, stderr, verdict, wrong };
}

function newBatches(scenario: Scenario): SentBatch[] {
  return scenario.requests.map((events, index) => newBatch(`request ${index}`, events));
}

/** What strace is asked to put in the call's place. */
function injection(site: FaultSite, fault: Fault): string {
  if (fault === 'KILL') return 'signal=SIGKILL';
  if (fault !== 'LOST') return `error=${fault}`;
  // A watermark slot has 132 bytes, the whole file 8,192; all other lost calls return 0.
  if (site.call === 'pwrite64') return `retval=${site.phase === 'commit' ? 132 : 8192}`;
  return 'retval=0';
}

async function runTraced(dataDir: string, batches: readonly SentBatch[], inject: readonly string[], fault?: Fault): Promise<TracedRun> {
  const output = `${dataDir}.strace`;
  // seccomp makes untraced calls fast, but signals cannot be injected with it. One pool thread: the n-th call is the same each time.
  const filter = fault === 'KILL' ? [] : ['--seccomp-bpf'];
  const strace = [...filter, '-y', '-s', '8', '-o', output, '-e', `trace=${WRITING_CALLS.join()}`, ...inject];
  const answers: string[] = [];
  let sidecar: Sidecar;
  try {
    sidecar = await startSidecar({ dataDir, strace, env: { UV_THREADPOOL_SIZE: '1' } });
  } catch (error) {
    if (!(error instanceof SidecarStartError) || error.exitCode === undefined) throw error;
    return {
      answers: batches.map(() => 'not started'),
      readiness: undefined,
      exitCode: error.exitCode,
      stderr: error.message,
      calls: await readTrace(output, error.pid),
    };
  }
  await using running = sidecar;
  for (const batch of batches) answers.push(await send(running.url, batch));
  const readiness = await readinessOf(running.url);
  running.kill('SIGTERM');
  const exitCode = await running.exited;
  return { answers, readiness, exitCode, stderr: running.stderr(), calls: await readTrace(output, running.pid) };
}

async function send(url: string, batch: SentBatch): Promise<string> {
  try {
    return String((await post(url, batch)).status);
  } catch (error) {
    if (isConnectionError(error)) return 'no answer';
    throw error;
  }
}

async function readinessOf(url: string): Promise<string | undefined> {
  try {
    const response = await fetch(`${url}/readyz`);
    const { status, reasons } = (await response.json()) as { status: string; reasons: string[] };
    return [status, ...reasons].join(': ');
  } catch (error) {
    if (isConnectionError(error)) return undefined;
    throw error;
  }
}

/** The normal start after a fault. Answers everything that is then not as promised. */
async function startAgain(dataDir: string, all: readonly SentBatch[], sent: readonly SentBatch[]): Promise<string[]> {
  const wrong: string[] = [];
  try {
    await using sidecar = await startSidecar({ dataDir });
    for (const batch of sent) {
      if (batch.answer !== undefined) continue;
      const answer = await send(sidecar.url, batch);
      if (answer !== '201') wrong.push(`the retry of "${batch.messages[0]}" got ${answer}`);
    }
    sidecar.kill('SIGTERM');
    const code = await sidecar.exited;
    if (code !== 0) wrong.push(`the next run ended with ${code}: ${sidecar.stderr()}`);
  } catch (error) {
    if (!(error instanceof SidecarStartError)) throw error;
    return [`does not start again: ${error.message}`];
  }
  const { verdict, findings } = await offlineVerdict(dataDir);
  if (verdict !== 'OK_UNANCHORED') wrong.push(`${verdict} in the end: ${findings.join('; ')}`);
  return [...wrong, ...compareWithSent(readRequests(dataDir), all)];
}
