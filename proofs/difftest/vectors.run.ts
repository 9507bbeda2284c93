/** `npm run vectors`: asks Lean about generated cases and stores its answers, with the hash of the proofs, for the tests to replay. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { COMPONENTS } from './components.ts';
import { CORPUS_DIR, writeCorpus } from './corpus.ts';
import { askLean } from './oracle.ts';

const CASES = 10_000;
/** Always the same cases, so that the corpus changes only when an answer does. */
const SEED = 20_261_123;

const rootDir = join(import.meta.dirname, '../..');
const questions = COMPONENTS.map((component) => ({ component, inputs: component.cases(CASES, SEED) }));
const { sourceHash, answers } = await askLean(questions);
mkdirSync(join(rootDir, CORPUS_DIR), { recursive: true });
for (const [i, { component, inputs }] of questions.entries()) {
  const cases = inputs.map((input, at) => ({ input, answer: answers[i][at] }));
  const differing = cases.filter(({ input, answer }) => !component.agrees(input, answer)).length;
  const bytes = writeCorpus(rootDir, component.name, { sourceHash, seed: SEED, cases });
  console.log(`${component.name}: ${cases.length} cases, ${bytes} bytes, ${differing} answered otherwise by the code`);
  if (differing > 0) process.exitCode = 1;
}
