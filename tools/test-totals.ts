import { basename } from 'node:path';

/** Where `npm test` leaves its totals for `npm run check`. */
export const TOTALS_FILE = 'test-results/totals.json';

/** What the closing line of a test run states. */
export interface TestTotals {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** Which tests failed, and the first line of why. */
  readonly failures: readonly string[];
  /** Reasons to fail the run that no single test carries. */
  readonly problems: readonly string[];
}

/** The parts of vitest's JSON report (the Jest format) that are read. Vitest writes more. */
export interface TestReport {
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly message?: string;
    readonly assertionResults: readonly {
      readonly status: string;
      readonly fullName: string;
      readonly failureMessages?: readonly string[] | null;
    }[];
  }[];
}

/**
 * Counts from the single results, not from the report's own sums: those leave out a file that failed before its first test
 * (a broken import), which must not pass for "0 failed".
 */
export function countTests(report: TestReport | undefined, runnerExitCode: number): TestTotals {
  let passed = 0;
  let failed = 0;
  let skipped = 0;
  const failures: string[] = [];
  const problems: string[] = [];
  for (const file of report?.testResults ?? []) {
    const before = failed;
    for (const { status, fullName, failureMessages } of file.assertionResults) {
      if (status === 'passed') passed++;
      else if (status === 'failed') {
        failed++;
        failures.push(`${basename(file.name)}: ${fullName}: ${(failureMessages?.[0] ?? 'no reason given').split('\n')[0]}`);
      } else skipped++;
    }
    if (file.status !== 'passed' && failed === before) {
      failed++;
      problems.push(`test file failed outside of its tests: "${file.name}"`);
    }
  }
  if (report === undefined) problems.push('the test runner left no report');
  else if (passed + failed === 0) problems.push('no test ran');
  if (runnerExitCode !== 0 && failed === 0) problems.push(`the test runner ended with exit code ${runnerExitCode}`);
  if (problems.length > 0 && failed === 0) failed = 1;
  return { passed, failed, skipped, failures, problems };
}

export function toTotalsLine(totals: TestTotals): string {
  return `${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped`;
}
