import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { LeanProcess } from '../host/lean-process.ts';
import type { Message } from '../host/lean.ts';
import { PACKAGE_NAME } from '../host/pinned-package.ts';
import { prepare, preparedKey } from '../host/prepare.ts';
import type { Engine, FileResult } from './engine.ts';
import type { LeanFile } from './project.ts';

/** The module may take 2 GiB and gives nothing back; a fresh process costs a second. */
const MEMORY_MIB_MAX = 1400;

export function wasmToolchain(): string {
  return `wasm-${preparedKey()}`;
}

export interface WasmEngineOptions {
  /** Where the prepared Lean is kept. */
  readonly cacheDir: string;
  /** Where compiled modules go, and are looked for. */
  readonly oleanDir: string;
  readonly report: (line: string) => void;
}

/** Lean from npm, in a process that is started when it is first needed and again when it has grown too big. */
export class WasmEngine implements Engine {
  readonly name = 'Lean 4.28.0-pre for WebAssembly, from npm';
  readonly toolchain = wasmToolchain();
  readonly #options: WasmEngineOptions;
  #process: LeanProcess | undefined;
  #memoryMiB = 0;
  #startMs = 0;

  constructor(options: WasmEngineOptions) {
    this.#options = options;
  }

  get startMs(): number {
    return this.#startMs;
  }

  async check({ module, path, text }: LeanFile): Promise<FileResult> {
    const olean = join(this.#options.oleanDir, `${module.replaceAll('.', '/')}.olean`);
    const output = await this.#elaborate({ text, file: path, module, olean });
    const problems = output.messages.filter(({ severity }) => severity !== 'information').map((message) => toProblem(path, message));
    return { problems, importMs: output.importMs, elaborationMs: output.elaborationMs };
  }

  async run(text: string): Promise<void> {
    const { messages } = await this.#elaborate({ text, file: 'command', module: '_command' });
    const errors = messages.filter(({ severity }) => severity === 'error');
    if (errors.length > 0) throw new Error(errors.map((message) => toProblem('command', message)).join('\n'));
  }

  /** The process, for who calls functions of the project. */
  async process(): Promise<LeanProcess> {
    if (this.#process !== undefined && this.#memoryMiB > MEMORY_MIB_MAX) {
      this.#process[Symbol.dispose]();
      this.#process = undefined;
    }
    if (this.#process === undefined) {
      const { cacheDir, oleanDir, report } = this.#options;
      this.#process = await LeanProcess.start(prepare(installedPackage(report), cacheDir, report), [oleanDir], cacheDir);
      this.#startMs += this.#process.startMs;
    }
    return this.#process;
  }

  async #elaborate(input: { text: string; file: string; module: string; olean?: string }) {
    const lean = await this.process();
    const output = await lean.check({ ...input, options: { warningAsError: true } });
    this.#memoryMiB = output.memoryMiB;
    return output;
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#process?.[Symbol.dispose]();
    return Promise.resolve();
  }
}

function toProblem(path: string, { pos, severity, data }: Message): string {
  return `${path}:${pos.line}:${pos.column}: ${severity}: ${data}`;
}

/** The folder of the npm package. Apart from the service's own packages, so that those who run it never download this. */
function installedPackage(report: (line: string) => void): string {
  const home = join(import.meta.dirname, '../host');
  const packageDir = join(home, 'node_modules', PACKAGE_NAME);
  if (existsSync(packageDir)) return packageDir;
  report(`no lake on this machine; installing ${PACKAGE_NAME} from npm (once, 116 MiB to download)`);
  const { status } = spawnSync('npm', ['ci', '--no-audit', '--no-fund'], { cwd: home, stdio: ['ignore', 'inherit', 'inherit'] });
  if (status !== 0 || !existsSync(packageDir)) throw new Error(`npm could not install "${PACKAGE_NAME}" in proofs/host`);
  return packageDir;
}
