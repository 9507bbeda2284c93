/** `npm run check [-- GATE…]`: every gate in order, all of them even after a failure, then one summary. */
import { GATES, type Gate } from './gates.ts';
import { runCommand } from './run-command.ts';

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

const outcomes: Outcome[] = [];
for (const gate of selectGates(process.argv.slice(2))) outcomes.push(await runGate(gate));
console.log('\n── summary');
for (const { name, passed, seconds } of outcomes) console.log(`${passed ? 'pass' : 'FAIL'}  ${name.padEnd(16)} ${seconds.padStart(7)} s`);
if (outcomes.some(({ passed }) => !passed)) process.exitCode = 1;
