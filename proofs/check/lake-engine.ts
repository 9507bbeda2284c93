import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Engine, FileResult } from './engine.ts';
import type { LeanFile } from './project.ts';

/** A message takes a line; a hundred thousand of them mean something else is wrong. */
const OUTPUT_BYTES_MAX = 64 * 1024 * 1024;

/** The version of lake on the path, or undefined when there is none. */
export function lakeVersion(): string | undefined {
  const { status, stdout } = spawnSync('lake', ['--version'], { encoding: 'utf8' });
  return status === 0 ? stdout.trim() : undefined;
}

export function lakeToolchain(version: string): string {
  return version.replaceAll(/[^\w.]+/g, '-');
}

/** An official Lean, one process for each file, with compiled modules in our own folder: the same steps as with the other engine. */
export class LakeEngine implements Engine {
  readonly name: string;
  readonly toolchain: string;
  readonly startMs = 0;
  readonly #projectDir: string;
  readonly #oleanDir: string;

  constructor(version: string, projectDir: string, oleanDir: string) {
    this.name = version;
    this.toolchain = lakeToolchain(version);
    this.#projectDir = projectDir;
    this.#oleanDir = oleanDir;
  }

  check({ module, path }: LeanFile): Promise<FileResult> {
    const olean = join(this.#oleanDir, `${module.replaceAll('.', '/')}.olean`);
    mkdirSync(dirname(olean), { recursive: true });
    const begunMs = performance.now();
    const problems = this.#lean('-DwarningAsError=true', '-o', olean, path);
    return Promise.resolve({ problems, importMs: 0, elaborationMs: performance.now() - begunMs });
  }

  run(text: string): Promise<void> {
    const file = join(this.#oleanDir, 'Command.lean');
    writeFileSync(file, text);
    const problems = this.#lean(file);
    if (problems.length > 0) throw new Error(problems.join('\n'));
    return Promise.resolve();
  }

  #lean(...args: string[]): readonly string[] {
    const { status, stdout, stderr } = spawnSync('lake', ['env', 'lean', ...args], {
      cwd: this.#projectDir,
      encoding: 'utf8',
      maxBuffer: OUTPUT_BYTES_MAX,
      // oxlint-disable-next-line node/no-process-env -- lake finds its toolchain through the environment; ours only adds a folder
      env: { ...process.env, LEAN_PATH: this.#oleanDir },
    });
    if (status === 0) return [];
    return `${stdout}${stderr}`.split('\n').filter((line) => line !== '');
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }
}
