import { spawn, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
const START_TIMEOUT_MS = 15_000;

export interface RunningSidecar extends AsyncDisposable {
  readonly url: string;
  readonly child: ChildProcess;
  /** Sends the signal and waits for the end; answers the exit code, null after a kill. */
  end(signal: NodeJS.Signals): Promise<number | null>;
}

/** The real thing in a process of its own: `node src/main.ts serve` on a free port of 127.0.0.1. */
export async function startSidecar(dataDir: string, env: Readonly<Record<string, string>> = {}): Promise<RunningSidecar> {
  const child = spawn(process.execPath, [MAIN, 'serve'], {
    env: { ...process.env, PROOFS_HOST: '127.0.0.1', PROOFS_PORT: '0', PROOFS_DATA_DIR: dataDir, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let log = '';
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (log = (log + chunk).slice(-20_000)));
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  const url = await new Promise<string>((resolve, reject) => {
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      reject(new Error(`the sidecar did not start within ${START_TIMEOUT_MS} ms:\n${log}`));
    }, START_TIMEOUT_MS);
    let out = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      out += chunk;
      const address = /(https?:\/\/\S+)\n/.exec(out)?.[1];
      if (address === undefined) return;
      clearTimeout(timer);
      resolve(address);
    });
    void ended.then((code) => {
      clearTimeout(timer);
      reject(new Error(`the sidecar ended with ${code}:\n${log}`));
    });
  });
  const end = (signal: NodeJS.Signals): Promise<number | null> => {
    child.kill(signal);
    return ended;
  };
  return {
    url,
    child,
    end,
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null && child.signalCode === null) await end('SIGKILL');
    },
  };
}

export interface ProgramRun {
  readonly child: ChildProcess;
  readonly result: Promise<{ readonly code: number | null; readonly out: string; readonly err: string }>;
}

/** One command line of the product in a process of its own. */
export function runProgram(args: readonly string[], env: Readonly<Record<string, string>> = {}): ProgramRun {
  const child = spawn(process.execPath, [MAIN, ...args], { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  const texts = { out: '', err: '' };
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (texts.out += chunk));
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (texts.err += chunk));
  const result = new Promise<{ code: number | null; out: string; err: string }>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, ...texts }));
  });
  return { child, result };
}
