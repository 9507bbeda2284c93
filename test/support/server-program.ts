import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';

const START_MS_MAX = 20_000;
const LOG_CHARS_MAX = 100_000;

export interface ServerProgram extends AsyncDisposable {
  /** What it wrote to standard error so far. */
  log(): string;
}

export interface ServerProgramOptions {
  readonly args: readonly string[];
  /** Asked every 50 ms until it says yes. */
  readonly isReady: () => Promise<boolean>;
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly packageName?: string;
}

const running = new Set<number>();
process.once('exit', () => running.forEach(killGroup));

/** With its workers: a program that is killed leaves them behind. */
function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}

/** A server of Debian in the foreground, once it is ready; ends with the scope. */
export async function startServerProgram(program: string, options: ServerProgramOptions): Promise<ServerProgram> {
  const { args, cwd, env, packageName = program } = options;
  const child = spawn(program, args, {
    ...(cwd === undefined ? {} : { cwd }),
    // Debian's servers lie in /usr/sbin, which is not in the PATH of everybody.
    env: { ...process.env, PATH: `${process.env.PATH ?? ''}:/usr/sbin`, ...env },
    stdio: ['ignore', 'ignore', 'pipe'],
    detached: true,
  });
  const { pid } = child;
  if (pid !== undefined) running.add(pid);
  let log = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (log = (log + text).slice(-LOG_CHARS_MAX)));
  const ended = new Promise<Error>((resolve) => {
    child.once('close', () => resolve(new Error(`${program} ended: ${log}`)));
    child.once('error', (cause) => resolve(new Error(`these tests need ${program}: apt-get install ${packageName}`, { cause })));
  });
  const dispose = async (): Promise<void> => {
    if (pid === undefined) return;
    killGroup(pid);
    await ended;
    running.delete(pid);
  };
  const deadlineMs = performance.now() + START_MS_MAX;
  while (!(await options.isReady())) {
    const failed = await Promise.race([ended, sleep(50, undefined)]);
    if (failed === undefined && performance.now() < deadlineMs) continue;
    await dispose();
    throw failed ?? new Error(`${program} was not ready within ${START_MS_MAX} ms: ${log}`);
  }
  return { log: () => log, [Symbol.asyncDispose]: dispose };
}
