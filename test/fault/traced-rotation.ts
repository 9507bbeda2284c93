import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';
import { COMPILE_CACHE } from '../support/compile-cache.ts';
import type { CaseFolder } from './case-folder.ts';
import { readTrace, TRACE_FORMAT } from './syscall-trace.ts';
import type { TracedRun, TracedRunOptions } from './traced-run.ts';

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
const STRACE = '/usr/bin/strace';

/** Runs `keygen --rotate` under strace on a ledger that nobody writes. Nothing is sent: the producer's requests come at the next start. */
export async function runTracedRotation(folder: CaseFolder, { steps, env, inject, isKilling }: TracedRunOptions): Promise<TracedRun> {
  const output = `${folder.path}.strace`;
  // As in test/support/sidecar.ts: -D makes strace a grandchild, so that pid and exit code are the program's own.
  const strace = ['-D', '-f', '-q', ...(isKilling ? [] : ['--seccomp-bpf']), '-o', output, ...TRACE_FORMAT, ...inject];
  const child = spawn(STRACE, [...strace, process.execPath, MAIN, 'keygen', '--rotate', '--data-dir', folder.dataDir], {
    env: { PATH: process.env.PATH ?? '', ...COMPILE_CACHE, ...folder.env(), ...env, UV_THREADPOOL_SIZE: '1' },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const exitCode = await new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve(code ?? 128 + constants.signals[signal ?? 'SIGKILL']));
  });
  const answers = steps.map(() => 'not sent');
  return { answers, readiness: undefined, exitCode, stderr, ...(await readTrace(output, child.pid ?? 0)) };
}
