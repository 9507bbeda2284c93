/** `npm run check [-- GATE…]`: every gate in order, all of them even after a failure, then a summary and the totals. */
import { readFileSync, rmSync } from 'node:fs';
import { GATES, type Gate } from './gates.ts';
import { runCommand } from './run-command.ts';
import { TOTALS_FILE, type TestTotals, toTotalsLine } from './test-totals.ts';

interface Outcome {
  readonly name: string;
  readonly passed: boolean;
  readonly seconds: string;
}

async function runGate(gate: Gate): Promise<Outcome> {
  console.log(`\n── ${gate.name}`);
  const startMs = performance.now();
  let passed = true;
  const env = { ...process.env, ...gate.env };
  for (const [program, ...args] of gate.commands) if ((await runCommand(program, args, { env })) !== 0) passed = false;
  return { name: gate.name, passed, seconds: ((performance.now() - startMs) / 1000).toFixed(1) };
}

function selectGates(names: readonly string[]): readonly Gate[] {
  const unknown = names.filter((name) => !GATES.some((gate) => gate.name === name));
  if (unknown.length > 0) throw new Error(`unknown gate "${unknown.join('", "')}"; known: ${GATES.map(({ name }) => name).join(', ')}`);
  return names.length === 0 ? GATES : GATES.filter(({ name }) => names.includes(name));
}

/** The totals of the tests, to which every other failed gate adds one failure: the last line never looks better than the exit code. */
function sumUp(outcomes: readonly Outcome[]): TestTotals {
  let tests: TestTotals = { passed: 0, failed: 0, skipped: 0, failures: [], problems: [] };
  const tested = outcomes.find(({ name }) => name === 'tests');
  try {
    if (tested !== undefined) tests = JSON.parse(readFileSync(TOTALS_FILE, 'utf8')) as TestTotals;
  } catch {
    // The test gate ended before it had totals; it has failed, which counts below.
  }
  const uncounted = outcomes.filter((outcome) => !outcome.passed && (outcome !== tested || tests.failed === 0)).length;
  return { ...tests, failed: tests.failed + uncounted };
}

const gates = selectGates(process.argv.slice(2));
// Totals of an earlier run must never be taken for those of this one.
rmSync(TOTALS_FILE, { force: true });
const outcomes: Outcome[] = [];
for (const gate of gates) outcomes.push(await runGate(gate));
console.log('\n── summary');
for (const { name, passed, seconds } of outcomes) console.log(`${passed ? 'pass' : 'FAIL'}  ${name.padEnd(16)} ${seconds.padStart(7)} s`);
const totals = sumUp(outcomes);
// Here again, far behind the tests' own output: who sees only the end of a log still learns what failed.
for (const failure of [...totals.failures, ...totals.problems]) console.log(`FAIL  ${failure}`);
console.log(toTotalsLine(totals));
if (totals.failed > 0) process.exitCode = 1;
