import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import type { CheckInput, CheckOutput } from './lean.ts';
import type { Answer, Request } from './protocol.ts';

/** Deep models need a deep stack; the limit of the operating system is 8 MiB on the machines we know. */
const STACK_FLAG = '--stack-size=7000';
const ANSWERS_FD = 3;

/** Lean in a process of its own. */
export class LeanProcess {
  readonly #child: ChildProcess;
  readonly #waiting: { resolve: (answer: Answer) => void; reject: (error: Error) => void }[] = [];
  #startMs = 0;

  private constructor(child: ChildProcess) {
    this.#child = child;
    const answers = child.stdio[ANSWERS_FD];
    if (!(answers instanceof Readable)) throw new Error('the process that runs Lean has no channel for answers');
    createInterface(answers).on('line', (line) => this.#settle(JSON.parse(line) as Answer));
    child.once('error', (error) => this.#fail(error));
    child.once('exit', (code, signal) => this.#fail(new Error(`the process that runs Lean ended (${signal ?? String(code)})`)));
    child.stdin?.on('error', (error) => this.#fail(error));
  }

  /** Until Lean could elaborate its first file, without the import of a library. */
  get startMs(): number {
    return this.#startMs;
  }

  /** `cwd`: where this build of Lean leaves a profile that nobody reads. */
  static async start(distDir: string, oleanDirs: readonly string[], cwd: string): Promise<LeanProcess> {
    const begunMs = performance.now();
    const child = spawn(process.execPath, [STACK_FLAG, join(import.meta.dirname, 'lean-process.run.ts')], {
      cwd,
      stdio: ['pipe', 'ignore', 'inherit', 'pipe'],
    });
    const started = new LeanProcess(child);
    await started.#ask({ kind: 'start', distDir, oleanDirs });
    started.#startMs = performance.now() - begunMs;
    return started;
  }

  async check(input: CheckInput): Promise<CheckOutput> {
    const answer = await this.#ask({ kind: 'check', input });
    if (answer.kind !== 'checked') throw new Error(`Lean answered "${answer.kind}" to a check`);
    return answer.output;
  }

  async load(input: CheckInput, names: readonly string[]): Promise<void> {
    await this.#ask({ kind: 'load', input, names });
  }

  async call(name: string, inputs: readonly string[]): Promise<readonly string[]> {
    const answer = await this.#ask({ kind: 'call', name, arguments: inputs });
    if (answer.kind !== 'called') throw new Error(`Lean answered "${answer.kind}" to a call`);
    return answer.results;
  }

  [Symbol.dispose](): void {
    this.#child.removeAllListeners();
    this.#child.kill('SIGKILL');
  }

  #settle(answer: Answer): void {
    const waiting = this.#waiting.shift();
    if (answer.kind === 'failed') waiting?.reject(new Error(answer.reason));
    else waiting?.resolve(answer);
  }

  #fail(error: Error): void {
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }

  #ask(request: Request): Promise<Answer> {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    this.#waiting.push({ resolve, reject });
    this.#child.stdin?.write(`${JSON.stringify(request)}\n`);
    return promise;
  }
}
