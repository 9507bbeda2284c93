import { existsSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { SidecarStartError, startSidecar } from '../support/sidecar.ts';
import type { CaseFolder } from './case-folder.ts';
import type { FaultSite } from './fault-sites.ts';
import { compareWithSent, readRequests } from './ledger-oracle.ts';
import { offlineVerdict } from './offline-verdict.ts';
import { prunableFiles } from './prunable-ledger.ts';
import type { SentBatch } from './producer.ts';
import { newSteps, type Scenario } from './scenarios.ts';
import { runScenario, send } from './traced-run.ts';
import { untilRemoved } from './wait-for-writer.ts';

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

/** Root keys and checkpoint lock are given to the verifier, and both reach the end. */
const VERDICT_AFTER_A_CLEAN_STOP = 'OK_ANCHORED';

/** Folders get names of their own: cases may run side by side. */
let caseNumber = 0;

/** Copies the scenario's folder, injects one fault, then starts again in peace, retries what was unanswered and compares. */
export async function runFaultCase(site: FaultSite, fault: Fault, directory: string): Promise<FaultOutcome> {
  const { scenario } = site;
  const folder = scenario.template.copyTo(join(directory, `case-${caseNumber++}`));
  const steps = newSteps(scenario);
  const sent = steps.filter((step) => typeof step !== 'string');
  const inject = ['-P', join(folder.path, site.file), '-e', `inject=${site.call}:${injection(site, fault)}:when=${site.nth}`];
  const run = await runScenario(scenario.name, folder, { steps, env: scenario.env, inject, isKilling: fault === 'KILL' });
  const wasHit = run.calls.some((call) => call.isInjected && call.name === site.call);
  const { verdict } = existsSync(join(folder.dataDir, 'ledger')) ? await offlineVerdict(folder) : { verdict: 'no ledger yet' };
  const wrong = await startAgain(folder, scenario, sent);
  if (!wasHit) wrong.unshift('the fault was not injected: the call did not happen');
  rmSync(folder.path, { recursive: true, force: true });
  const { answers, readiness, exitCode, stderr } = run;
  return { site, fault, answers, readiness, exitCode, stderr, verdict, wrong };
}

/** What strace is asked to put in the call's place. */
function injection(site: FaultSite, fault: Fault): string {
  if (fault === 'KILL') return 'signal=SIGKILL';
  return fault === 'LOST' ? `retval=${site.result}` : `error=${fault}`;
}

/** The normal start after a fault. Answers everything that is then not as promised. */
async function startAgain(folder: CaseFolder, scenario: Scenario, sent: readonly SentBatch[]): Promise<string[]> {
  const wrong: string[] = [];
  try {
    await using sidecar = await startSidecar({ dataDir: folder.dataDir, env: { ...folder.env(), ...scenario.env } });
    for (const batch of sent) {
      if (batch.answer !== undefined) continue;
      const answer = await send(sidecar.url, batch);
      if (answer !== '201') wrong.push(`the retry of "${batch.messages[0]}" got ${answer}`);
    }
    if (scenario.name === 'prune') await untilRemoved(prunableFiles(folder), sidecar.exited);
    sidecar.kill('SIGTERM');
    const code = await sidecar.exited;
    if (code !== 0) wrong.push(`the next run ended with ${code}: ${sidecar.stderr()}`);
  } catch (error) {
    if (!(error instanceof SidecarStartError)) throw error;
    return [`does not start again: ${error.message}`];
  }
  const { verdict, findings } = await offlineVerdict(folder);
  if (verdict !== VERDICT_AFTER_A_CLEAN_STOP) wrong.push(`${verdict} in the end: ${findings.join('; ')}`);
  if (scenario.name === 'prune') wrong.push(...unprunedSegments(folder));
  return [...wrong, ...compareWithSent(readRequests(folder.dataDir), [...scenario.stored, ...sent])];
}

/** What retention was asked to remove, and still lies there after the next start. */
function unprunedSegments(folder: CaseFolder): string[] {
  return prunableFiles(folder)
    .filter((path) => existsSync(path))
    .map((path) => `retention left "${basename(path)}" behind`);
}
