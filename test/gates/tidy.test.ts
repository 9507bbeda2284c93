import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { FILE_LINES_MAX, findUntidy, TIDY_RULES } from '../support/tidy-rules.ts';

const root = join(import.meta.dirname, '../..');

/** Written by programs, or the bytes of a format: nobody chose their words. */
const NOT_OURS = /^(?:package-lock\.json|src\/bundle\/timeline\/generated\/|test\/vectors\/|test\/golden\/.*\/(?:ledger|keys)\/)/;

/** Tracked files and those that are about to be. */
function listFiles(): readonly string[] {
  const { status, stdout, stderr } = spawnSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard', '--deduplicate'], {
    cwd: root,
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`git could not list the files: ${stderr}`);
  return stdout.split('\0').filter((path) => path !== '');
}

function readIfPresent(path: string): string {
  try {
    return readFileSync(join(root, path), 'utf8');
  } catch (error) {
    // Deleted in the work tree and still in the index.
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return '';
    throw error;
  }
}

/** [rule, path, line that breaks it]; a ¦ in it keeps it from breaking the rule here. */
const PLANTED: readonly (readonly [rule: string, path: string, line: string])[] = [
  ['unfinished work is an issue, not a comment', 'docs/a.md', 'TO¦DO: later'],
  ['unfinished work is an issue, not a comment', 'src/a.ts', '// FIX¦ME'],
  ['a test that does not run proves nothing', 'test/unit/a.test.ts', "it¦.only('x', run);"],
  ['a test that does not run proves nothing', 'test/unit/a.test.ts', "describe¦.skipIf(slow)('x', run);"],
  ['a cast around the type checker', 'src/a.ts', 'const a = b as ¦any;'],
  ['a cast around the type checker', 'src/a.ts', 'const a = b as unknown ¦as C;'],
  ['a comment that silences the type checker', 'src/a.ts', '// @ts-¦expect-error'],
  ['a comment that silences the linter without saying why (-- why)', 'src/a.ts', '// oxlint-¦disable-next-line'],
  ['a path of one machine', 'docs/a.md', 'see `/wo¦rk/shared`'],
  ['a path of one machine', 'tools/a.ts', "const home = '/ro¦ot/x';"],
  ['the host name of a package registry', '.npmrc', 'registry=https://registry.¦example.org/'],
  ['only main touches exit codes, signals and arguments', 'src/http/a.ts', 'process¦.exit(1);'],
  ['only config/env.ts reads the environment', 'src/http/a.ts', 'process¦.env.HOME'],
  ['only config/env.ts reads the environment', 'src/http/a.ts', "import { argv, env } from 'node:pro¦cess';"],
];

const mend = (line: string): string => line.replace('¦', '');

describe('tidy gate', () => {
  it('finds nothing in the repository', () => {
    const files = listFiles();
    expect(files.length).toBeGreaterThan(50);
    expect(files.filter((path) => !NOT_OURS.test(path)).flatMap((path) => findUntidy(path, readIfPresent(path)))).toEqual([]);
  });

  it('keeps registry addresses out of the lockfile', () => {
    expect(readIfPresent('package-lock.json')).not.toMatch(/"resolved"/);
  });

  it.each(PLANTED)('refuses: %s (%s)', (rule, path, line) => {
    expect(findUntidy(path, `fine\n${mend(line)}\n`)).toEqual([`${path}:2: ${rule}`]);
  });

  it('refuses a file that is too long, and accepts the longest one allowed', () => {
    expect(findUntidy('src/a.ts', 'x;\n'.repeat(FILE_LINES_MAX))).toEqual([]);
    expect(findUntidy('src/a.ts', 'x;\n'.repeat(FILE_LINES_MAX + 1))).toEqual(['src/a.ts:401: a file of 401 lines']);
  });

  it('has a planted breach for every rule', () => {
    expect(new Set(PLANTED.map(([rule]) => rule))).toEqual(new Set(TIDY_RULES.map(({ name }) => name)));
  });

  it('lets main and env.ts do what only they may', () => {
    expect(findUntidy('src/main.ts', mend('process¦.exitCode = 1;'))).toEqual([]);
    expect(findUntidy('src/config/env.ts', mend('process¦.env'))).toEqual([]);
  });
});
