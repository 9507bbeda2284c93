import { spawn, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { COMPILE_CACHE } from './compile-cache.ts';

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));

export interface ProgramRun {
  readonly child: ChildProcess;
  readonly result: Promise<{ readonly code: number | null; readonly out: string; readonly err: string }>;
}

/** One command line of the product in a process of its own. */
export function runProgram(args: readonly string[], env: Readonly<Record<string, string>> = {}): ProgramRun {
  const child = spawn(process.execPath, [MAIN, ...args], {
    env: { ...process.env, ...COMPILE_CACHE, PROOFS_ANCHOR: 'off', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const texts = { out: '', err: '' };
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (texts.out += chunk));
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (texts.err += chunk));
  const result = new Promise<{ code: number | null; out: string; err: string }>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, ...texts }));
  });
  return { child, result };
}
