import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { APT_PACKAGES, findMissing, toInstallAdvice } from '../../tools/apt-packages.ts';
import { findCategoryTests, TEST_CATEGORIES } from '../../tools/test-categories.ts';
import { countTests, type TestReport, toTotalsLine } from '../../tools/test-totals.ts';
import { GATE_TIMEOUT_MS, makeCanary } from '../support/canary.ts';

vi.setConfig({ testTimeout: GATE_TIMEOUT_MS });

const root = join(import.meta.dirname, '../..');

const file = (status: string, ...results: string[]): TestReport['testResults'][number] => ({
  name: 'a.test.ts',
  status,
  assertionResults: results.map((result) => ({
    status: result,
    fullName: `test that ${result}`,
    failureMessages: result === 'failed' ? ['too late\n at line 7'] : [],
  })),
});

describe('totals of a test run', () => {
  it('counts every result of every file', () => {
    const report = { testResults: [file('passed', 'passed', 'passed', 'skipped'), file('failed', 'failed', 'passed', 'todo')] };
    expect(countTests(report, 1)).toEqual({
      passed: 3,
      failed: 1,
      skipped: 2,
      failures: ['a.test.ts: test that failed: too late'],
      problems: [],
    });
  });

  it('counts a file that broke before its first test as failed', () => {
    const totals = countTests({ testResults: [file('passed', 'passed'), file('failed')] }, 1);
    expect(toTotalsLine(totals)).toBe('1 passed, 1 failed, 0 skipped');
    expect(totals.problems).toEqual(['test file failed outside of its tests: "a.test.ts"']);
  });

  it.each([
    ['the runner left no report', undefined, 0, 'the test runner left no report'],
    ['no test ran', { testResults: [] }, 0, 'no test ran'],
    ['every test was skipped', { testResults: [file('passed', 'skipped')] }, 0, 'no test ran'],
    [
      'the runner failed although every test passed',
      { testResults: [file('passed', 'passed')] },
      1,
      'the test runner ended with exit code 1',
    ],
  ])('never reports zero failures when %s', (_, report, exitCode, problem) => {
    const totals = countTests(report, exitCode);
    expect(totals.problems).toEqual([problem]);
    expect(totals.failed).toBe(1);
  });
});

describe('tests gate', () => {
  const settings = {
    'vitest.config.ts': "export default { test: { include: ['test/unit/*.test.ts'], passWithNoTests: false } };\n",
  };
  const passing = "import { expect, it } from 'vitest';\n\nit('holds', () => expect(1).toBe(1));\n";

  it('ends with true totals, and fails when a test fails', () => {
    using canary = makeCanary({ ...settings, 'test/unit/good.test.ts': passing });
    const good = canary.runGate('tests');
    expect(good.output).toMatch(/\n1 passed, 0 failed, 0 skipped\n$/);
    expect(good.exitCode).toBe(0);
    canary.plant({ 'test/unit/bad.test.ts': passing.replace('toBe(1)', 'toBe(2)') });
    const bad = canary.runGate('tests');
    expect(bad.output).toMatch(/\n1 passed, 1 failed, 0 skipped\n/);
    expect(bad.exitCode).not.toBe(0);
  });

  it('fails on a test file whose import is broken', () => {
    using canary = makeCanary({ ...settings, 'test/unit/good.test.ts': passing, 'test/unit/bad.test.ts': "import './nowhere.ts';\n" });
    const { exitCode, output } = canary.runGate('tests');
    expect(output).toMatch(/\n1 passed, 1 failed, 0 skipped\n/);
    expect(exitCode).not.toBe(0);
  });

  it('fails when there is nothing to run', () => {
    using canary = makeCanary(settings);
    const { exitCode, output } = canary.runGate('tests');
    expect(output).toMatch(/\n0 passed, 1 failed, 0 skipped\n/);
    expect(exitCode).not.toBe(0);
  });
});

describe('closing line of a whole check', () => {
  const settings = { 'vitest.config.ts': "export default { test: { include: ['test/unit/*.test.ts'] } };\n" };
  const passing = "import { expect, it } from 'vitest';\n\nit('holds', () => expect(1).toBe(1));\n";
  const check = (dir: string, ...gates: string[]): { status: number | null; stdout: string } =>
    spawnSync(process.execPath, [join(root, 'tools/check.ts'), ...gates], {
      cwd: dir,
      encoding: 'utf8',
      env: { ...process.env, NO_COLOR: '1' },
    });

  it('adds one failure for each failed gate to those of the tests', () => {
    using canary = makeCanary({
      ...settings,
      'src/ugly.ts': 'export const a="b"\n',
      'test/unit/bad.test.ts': passing.replace('toBe(1)', 'toBe(2)'),
    });
    const { status, stdout } = check(canary.dir, 'format', 'tests');
    expect(stdout).toMatch(
      /\nFAIL {2}format .*\nFAIL {2}tests .*\nFAIL {2}bad\.test\.ts: holds: AssertionError: .*\n0 passed, 2 failed, 0 skipped\n$/,
    );
    expect(status).toBe(1);
  });

  it('is the totals of the tests when every gate holds', () => {
    using canary = makeCanary({ ...settings, 'test/unit/good.test.ts': passing });
    const { status, stdout } = check(canary.dir, 'format', 'tests');
    expect(stdout).toMatch(/\npass {2}format .*\npass {2}tests .*\n1 passed, 0 failed, 0 skipped\n$/);
    expect(status).toBe(0);
  });

  it('states a failure when the packages cannot be installed (here: no lockfile)', () => {
    using canary = makeCanary({});
    mkdirSync(join(canary.dir, '.ci'));
    copyFileSync(join(root, '.ci/run'), join(canary.dir, '.ci/run'));
    unlinkSync(join(canary.dir, 'node_modules'));
    const { status, stdout } = spawnSync('bash', [join(canary.dir, '.ci/run')], { encoding: 'utf8' });
    expect(stdout).toMatch(/\n0 passed, 1 failed, 0 skipped\n$/);
    expect(status).toBe(1);
  });
});

describe('programs the tests need', () => {
  it('says exactly what to install when programs are missing', () => {
    const missing = findMissing(APT_PACKAGES, '/nonexistent').map(({ name }) => name);
    expect(missing).toEqual(expect.arrayContaining(['golang-go', 'strace', 'unzip', 'openssl', 'python3']));
    const [first] = APT_PACKAGES;
    expect(toInstallAdvice(first === undefined ? [] : [first])).toMatch(/golang-go: .*\n.*\n {2}apt-get install golang-go$/);
  });

  it('finds every one of them here', () => {
    expect(findMissing()).toEqual([]);
  });
});

describe('test categories', () => {
  it('refuses an unknown category and lists the known ones', () => {
    expect(() => findCategoryTests('speed')).toThrow(`unknown category "speed"; known: ${Object.keys(TEST_CATEGORIES).join(', ')}`);
  });

  it('refuses a category without tests instead of passing it', () => {
    expect(() => findCategoryTests('rate-limiting', tmpdir())).toThrow('category "rate-limiting" has no tests yet, so nothing was checked');
  });

  it('finds the tests of a category and leaves the gates out', () => {
    const root = mkdtempSync(join(tmpdir(), 'proofs-categories-'));
    try {
      for (const path of ['test/unit/bundle-window.test.ts', 'test/unit/ledger-scan.test.ts', 'test/gates/bundle.test.ts']) {
        mkdirSync(join(root, path, '..'), { recursive: true });
        writeFileSync(join(root, path), '');
      }
      expect(findCategoryTests('bundle-generation', root)).toEqual(['test/unit/bundle-window.test.ts']);
      expect(findCategoryTests('logging', root)).toEqual(['test/unit/ledger-scan.test.ts']);
    } finally {
      rmSync(root, { recursive: true, force: true });
    }
  });
});
