/** `npm test [-- --category NAME] [-- vitest arguments]`. Ends with the line `N passed, N failed, N skipped`. */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { ensureAptPackages } from './apt-packages.ts';
import { runCommand } from './run-command.ts';
import { findCategoryTests } from './test-categories.ts';
import { countTests, TOTALS_FILE, type TestReport, toTotalsLine } from './test-totals.ts';

const REPORT_FILE = 'test-results/vitest.json';
/** Named by process, so that a report of another run is never counted for this one; moved to REPORT_FILE at the end. */
const OWN_REPORT_FILE = `test-results/vitest-${process.pid}.json`;

/** Takes `--category NAME` out of the arguments and puts that category's files in; everything else is vitest's. */
function toVitestArgs(args: readonly string[]): readonly string[] {
  const rest: string[] = [];
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] ?? '';
    if (arg === '--category') rest.push(...findCategoryTests(args[++i] ?? ''));
    else if (arg.startsWith('--category=')) rest.push(...findCategoryTests(arg.slice('--category='.length)));
    else rest.push(arg);
  }
  return rest;
}

function takeReport(): TestReport | undefined {
  try {
    const report = JSON.parse(readFileSync(OWN_REPORT_FILE, 'utf8')) as TestReport;
    renameSync(OWN_REPORT_FILE, REPORT_FILE);
    return report;
  } catch {
    return undefined;
  }
}

async function main(): Promise<number> {
  let args: readonly string[];
  try {
    args = toVitestArgs(process.argv.slice(2));
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    return 2;
  }
  if (!(await ensureAptPackages())) return 1;
  const live = args.some((arg) => arg.startsWith('--reporter')) ? [] : ['--reporter=default'];
  const reporters = [...live, '--reporter=json', `--outputFile.json=${OWN_REPORT_FILE}`];
  const exitCode = await runCommand(process.execPath, [resolve('node_modules/vitest/vitest.mjs'), 'run', ...reporters, ...args]);
  const totals = countTests(takeReport(), exitCode);
  for (const problem of totals.problems) console.error(problem);
  mkdirSync(dirname(TOTALS_FILE), { recursive: true });
  writeFileSync(TOTALS_FILE, `${JSON.stringify(totals)}\n`);
  console.log(toTotalsLine(totals));
  return totals.failed === 0 ? 0 : 1;
}

process.exitCode = await main();
