/** `npm run difftest [-- --seed N] [--cases N]`: fresh cases, answered by Lean and by the code that ships; the first difference is told. */
import { parseArgs } from 'node:util';
import { COMPONENTS } from './components.ts';
import { askLean } from './oracle.ts';

const { values } = parseArgs({ options: { seed: { type: 'string' }, cases: { type: 'string', default: '5000' } } });
const seed = values.seed === undefined ? Date.now() % 0x7fff_ffff : Number(values.seed);
const count = Number(values.cases);
if (!Number.isSafeInteger(seed) || !Number.isSafeInteger(count)) throw new Error('--seed and --cases take whole numbers');
console.log(`seed ${seed}`);
const questions = COMPONENTS.map((component) => ({ component, inputs: component.cases(count, seed) }));
const { answers } = await askLean(questions);
for (const [i, { component, inputs }] of questions.entries()) {
  const differing = inputs.flatMap((input, at) => (component.agrees(input, answers[i][at]) ? [] : [{ input, answer: answers[i][at] }]));
  console.log(`${component.name}: ${inputs.length} cases, ${differing.length} answered otherwise by the code`);
  if (differing.length > 0) {
    const shortest = differing.reduce((a, b) => (JSON.stringify(b.input).length < JSON.stringify(a.input).length ? b : a));
    console.log(`input ${JSON.stringify(shortest.input)}\nLean answers ${JSON.stringify(shortest.answer)}`);
    process.exitCode = 1;
  }
}
