import { spawnSync } from 'node:child_process';

export interface ToolRun {
  readonly status: number;
  readonly output: string;
}

/** Runs a program that stands on every Debian machine or in one package of it; says which when it is missing. */
export function runTool(
  program: string,
  args: readonly string[],
  options: { cwd?: string; env?: Record<string, string>; input?: string; packageName?: string } = {},
): ToolRun {
  const { packageName, input, ...rest } = options;
  const { status, stdout, stderr, error } = spawnSync(program, args, { encoding: 'utf8', input, ...rest });
  if (error !== undefined) {
    if ('code' in error && error.code === 'ENOENT')
      throw new Error(`this test needs ${program}: apt-get install ${packageName ?? program}`, { cause: error });
    throw error;
  }
  return { status: status ?? 128, output: stdout + stderr };
}
