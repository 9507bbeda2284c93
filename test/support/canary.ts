import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { GATES } from '../../tools/gates.ts';

/** A gate starts a compiler, a linter or a test runner: a second alone, many when all cores are busy. */
export const GATE_TIMEOUT_MS = 90_000;

const root = join(import.meta.dirname, '../..');

/** What the gates read besides the code they judge. */
const SETTINGS = [
  'package.json',
  'tsconfig.json',
  'tsconfig.build.json',
  '.prettierrc.json',
  '.prettierignore',
  '.oxlintrc.json',
  '.dependency-cruiser.cjs',
  'knip.json',
  'redocly.yaml',
  'src/bundle/timeline/app/tsconfig.json',
];

/** A folder outside of the work tree with our settings, our packages and only the planted files. */
export interface Canary extends Disposable {
  readonly dir: string;
  plant(files: Readonly<Record<string, string>>): void;
  /** Runs the gate exactly as `npm run check` does, but on this folder. */
  runGate(name: string): { readonly exitCode: number; readonly output: string };
}

export function makeCanary(files: Readonly<Record<string, string>>): Canary {
  const dir = mkdtempSync(join(tmpdir(), 'proofs-canary-'));
  const plant = (planted: Readonly<Record<string, string>>): void => {
    for (const [path, content] of Object.entries(planted)) {
      mkdirSync(dirname(join(dir, path)), { recursive: true });
      writeFileSync(join(dir, path), content);
    }
  };
  for (const path of SETTINGS) {
    mkdirSync(dirname(join(dir, path)), { recursive: true });
    copyFileSync(join(root, path), join(dir, path));
  }
  // Without the slash of our own .gitignore: here node_modules is a link, not a folder.
  writeFileSync(join(dir, '.gitignore'), 'node_modules\n');
  symlinkSync(join(root, 'node_modules'), join(dir, 'node_modules'));
  plant(files);
  return { dir, plant, runGate: (name) => runGateIn(dir, name), [Symbol.dispose]: () => rmSync(dir, { recursive: true, force: true }) };
}

function runGateIn(dir: string, name: string): { exitCode: number; output: string } {
  const gate = GATES.find((candidate) => candidate.name === name);
  if (gate === undefined) throw new Error(`no gate is called "${name}"`);
  let exitCode = 0;
  let output = '';
  // Colours and the output styles for certain CI services would hide the words that the canaries look for.
  const env = { PATH: process.env.PATH ?? '', HOME: dir, NO_COLOR: '1', ...gate.env };
  for (const [program, ...args] of gate.commands) {
    const { status, stdout, stderr } = spawnSync(program, args, { cwd: dir, encoding: 'utf8', env });
    exitCode ||= status ?? 128;
    output += stdout + stderr;
  }
  return { exitCode, output };
}
