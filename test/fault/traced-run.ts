import { SidecarStartError, startSidecar, type Sidecar } from '../support/sidecar.ts';
import type { CaseFolder } from './case-folder.ts';
import { isConnectionError, post, type SentBatch } from './producer.ts';
import type { ScenarioName, Step } from './scenarios.ts';
import { prunableFiles } from './prunable-ledger.ts';
import { readTrace, TRACE_FORMAT, type Trace } from './syscall-trace.ts';
import { runTracedRotation } from './traced-rotation.ts';
import { untilEpochEnds, untilRemoved } from './wait-for-writer.ts';

/** What happens between start and stop: a request, or waiting for something that the sidecar does by itself. */
export type RunStep = SentBatch | Exclude<Step, number>;

export interface TracedRun extends Trace {
  /** What the producer was told, request by request: a status, "no answer", "not started" or "not sent". */
  readonly answers: string[];
  /** Status of /readyz after the requests, when the process was still there. */
  readonly readiness: string | undefined;
  readonly exitCode: number;
  readonly stderr: string;
}

export interface TracedRunOptions {
  readonly steps: readonly RunStep[];
  readonly env: Readonly<Record<string, string>>;
  /** strace arguments that put something else in the place of a call. */
  readonly inject: readonly string[];
  /** Signals cannot be injected into calls that a seccomp filter picks. */
  readonly isKilling: boolean;
}

/** The traced run of a scenario. */
export function runScenario(name: ScenarioName, folder: CaseFolder, options: TracedRunOptions): Promise<TracedRun> {
  return name === 'rotate-keys' ? runTracedRotation(folder, options) : runTraced(folder, options);
}

/** Runs a sidecar under strace from its start through all steps to a SIGTERM, whatever becomes of it on the way. */
export async function runTraced(folder: CaseFolder, { steps, env, inject, isKilling }: TracedRunOptions): Promise<TracedRun> {
  const output = `${folder.path}.strace`;
  // seccomp makes untraced calls fast. One pool thread: the n-th call is the same each time.
  const strace = [...(isKilling ? [] : ['--seccomp-bpf']), '-o', output, ...TRACE_FORMAT, ...inject];
  let sidecar: Sidecar;
  try {
    sidecar = await startSidecar({ dataDir: folder.dataDir, strace, env: { ...folder.env(), ...env, UV_THREADPOOL_SIZE: '1' } });
  } catch (error) {
    if (!(error instanceof SidecarStartError) || error.exitCode === undefined) throw error;
    const answers = steps.flatMap((step) => (typeof step === 'string' ? [] : ['not started']));
    return { answers, readiness: undefined, exitCode: error.exitCode, stderr: error.message, ...(await readTrace(output, error.pid)) };
  }
  await using running = sidecar;
  const answers: string[] = [];
  for (const step of steps) {
    if (step === 'epoch end') await untilEpochEnds(folder, running.exited);
    else if (step === 'removal') await untilRemoved(prunableFiles(folder), running.exited);
    else answers.push(await send(running.url, step));
  }
  const readiness = await readinessOf(running.url);
  running.kill('SIGTERM');
  const exitCode = await running.exited;
  return { answers, readiness, exitCode, stderr: running.stderr(), ...(await readTrace(output, running.pid)) };
}

/** A status, or "no answer" when the connection broke. */
export async function send(url: string, batch: SentBatch): Promise<string> {
  try {
    return String((await post(url, batch)).status);
  } catch (error) {
    if (isConnectionError(error)) return 'no answer';
    throw error;
  }
}

/** In all cases the lock stands beside the ledger, on one device; that this is no good place is left out. */
const ALWAYS_SO = /is on the same device as the ledger/;

async function readinessOf(url: string): Promise<string | undefined> {
  try {
    const response = await fetch(`${url}/readyz`);
    const answer = (await response.json()) as { status: string; reasons: string[] };
    const reasons = answer.reasons.filter((reason) => !ALWAYS_SO.test(reason));
    return [reasons.length === 0 ? 'ready' : answer.status, ...reasons].join(': ');
  } catch (error) {
    if (isConnectionError(error)) return undefined;
    throw error;
  }
}
