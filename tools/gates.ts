import { join } from 'node:path';

/** One thing that must hold before a change is good. Runs in the folder it is to judge, so that a canary can be judged too. */
export interface Gate {
  readonly name: string;
  readonly commands: readonly (readonly [program: string, ...args: string[]])[];
  readonly env?: Readonly<Record<string, string>>;
}

const root = join(import.meta.dirname, '..');

/** The scripts of packages are run by this very Node, whatever the first `node` in PATH is. */
function packageScript(path: string, ...args: string[]): [string, ...string[]] {
  return [process.execPath, join(root, 'node_modules', path), ...args];
}

function ownTool(file: string, ...args: string[]): [string, ...string[]] {
  return [process.execPath, join(root, 'tools', file), ...args];
}

/** Cheap ones first. All of them run even after one has failed. */
export const GATES: readonly Gate[] = [
  { name: 'format', commands: [packageScript('prettier/bin/prettier.cjs', '--check', '--log-level', 'warn', '.')] },
  { name: 'lint', commands: [packageScript('oxlint/bin/oxlint', '--type-aware', '--deny-warnings')] },
  {
    name: 'types',
    commands: [
      packageScript('@typescript/native/bin/tsc', '-p', '.'),
      packageScript('@typescript/native/bin/tsc', '-p', 'src/bundle/timeline/app'),
    ],
  },
  { name: 'boundaries', commands: [ownTool('check-boundaries.ts')] },
  { name: 'dead code', commands: [packageScript('knip/bin/knip.js', '--no-progress', '--no-config-hints')] },
  { name: 'generated files', commands: [ownTool('generate.ts', '--check')] },
  {
    name: 'openapi',
    commands: [packageScript('@redocly/cli/bin/cli.js', 'lint', 'openapi.yaml')],
    // A check of our code talks to nobody.
    env: { REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true' },
  },
  { name: 'build', commands: [ownTool('build.ts')] },
  { name: 'tests', commands: [ownTool('test.ts')] },
];
