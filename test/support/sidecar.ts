import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';
import { builtMain } from '../../tools/built-main.ts';
import { COMPILE_CACHE } from './compile-cache.ts';

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
const STRACE = '/usr/bin/strace';
/** A start takes about half a second; under strace on a busy machine a few. Beyond this something hangs. */
const START_MS_MAX = 20_000;
/** The last of standard error that is kept: enough for any message, bounded under a chatty log. */
const STDERR_CHARS_MAX = 100_000;

export interface SidecarOptions {
  readonly dataDir: string;
  /** Settings beside host, port and folder, which are set here. */
  readonly env?: Readonly<Record<string, string>>;
  /** A free port unless given: for those whom others must find again after a restart. */
  readonly port?: number;
  /** Runs it under `strace -f` with these arguments; they must name an output file (-o). */
  readonly strace?: readonly string[];
}

/** A sidecar from its first instruction on; it may not listen yet, or never. */
export interface LaunchedSidecar extends AsyncDisposable {
  /** Of the sidecar itself, also under strace. */
  readonly pid: number;
  /** Its address; rejects with SidecarStartError when it ends, or hangs, before listening. */
  readonly listening: Promise<string>;
  /** Exit code, or 128 + signal number. */
  readonly exited: Promise<number>;
  stderr(): string;
  kill(signal: NodeJS.Signals): void;
}

export interface Sidecar extends LaunchedSidecar {
  readonly url: string;
}

export class SidecarStartError extends Error {
  /** Undefined when it hung. */
  readonly exitCode: number | undefined;
  readonly pid: number;

  constructor(pid: number, exitCode: number | undefined, stderr: string) {
    super(
      exitCode === undefined
        ? `the sidecar did not listen within ${START_MS_MAX} ms: ${stderr}`
        : `the sidecar ended with ${exitCode} before listening: ${stderr}`,
    );
    this.exitCode = exitCode;
    this.pid = pid;
  }
}

let main = MAIN;

/** For runs of an hour: from now on sidecars are started from dist/. */
export function useBuiltSidecar(): void {
  main = builtMain();
}

/** Children that still run: none may outlive this process. */
const running = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** Starts a real sidecar on a free port of 127.0.0.1 without waiting for it: for those who kill it on its way up. */
export function launchSidecar(options: SidecarOptions): LaunchedSidecar {
  const env = {
    PATH: process.env.PATH ?? '',
    ...COMPILE_CACHE,
    PROOFS_LOG_LEVEL: 'warn',
    PROOFS_ANCHOR: 'off',
    ...options.env,
    PROOFS_HOST: '127.0.0.1',
    PROOFS_PORT: String(options.port ?? 0),
    PROOFS_DATA_DIR: options.dataDir,
  };
  const node = [process.execPath, main, 'serve'];
  if (options.strace !== undefined && !existsSync(STRACE)) throw new Error('these tests need strace: apt-get install strace');
  // -D makes strace a grandchild: the child is node itself, so that its pid, its exit code and a kill are the sidecar's own.
  const [command, ...args] = options.strace === undefined ? node : [STRACE, '-D', '-f', '-q', ...options.strace, ...node];
  const child = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  running.add(child);
  // 0 only when it could not even be spawned; `exited` then rejects with the reason.
  const pid = child.pid ?? 0;
  let stdout = '';
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr = (stderr + text).slice(-STDERR_CHARS_MAX)));
  const exited = new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      running.delete(child);
      resolve(code ?? 128 + constants.signals[signal ?? 'SIGKILL']);
    });
  });
  const listening = new Promise<string>((resolve, reject) => {
    const timer = setTimeout(() => reject(new SidecarStartError(pid, undefined, stderr)), START_MS_MAX);
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout = (stdout + text).slice(-STDERR_CHARS_MAX);
      const url = /^post-incident-proofs listening on (http:\/\/\S+)$/m.exec(stdout)?.[1];
      if (url === undefined) return;
      clearTimeout(timer);
      resolve(url);
    });
    exited.finally(() => clearTimeout(timer)).then((code) => reject(new SidecarStartError(pid, code, stderr)), reject);
  });
  // Whoever kills it on its way up never asks for the address.
  listening.catch(() => undefined);
  const kill = (signal: NodeJS.Signals): void => void child.kill(signal);
  const dispose = async (): Promise<void> => {
    kill('SIGKILL');
    await exited;
  };
  return { pid, listening, exited, stderr: () => stderr, kill, [Symbol.asyncDispose]: dispose };
}

/** Starts a real sidecar and waits until it takes requests; throws SidecarStartError. `await using sidecar = await startSidecar(...)`. */
export async function startSidecar(options: SidecarOptions): Promise<Sidecar> {
  const launched = launchSidecar(options);
  try {
    return { ...launched, url: await launched.listening };
  } catch (error) {
    await launched[Symbol.asyncDispose]();
    throw error;
  }
}
