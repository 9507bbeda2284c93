/** `node test/differential/json-parser.run.ts [--inputs 1000000] [--seed N] [--first 0]`: the fast parser against the slow one, as long as wanted. */
import { parseArgs } from 'node:util';
import { assertAgreement } from './json-agreement.ts';

/** Often enough to see that it lives. */
const PROGRESS_EVERY = 50_000;

const { values } = parseArgs({
  options: {
    inputs: { type: 'string', default: '1000000' },
    seed: { type: 'string', default: String(Date.now() % 0x7fff_ffff) },
    first: { type: 'string', default: '0' },
  },
});
console.log(`seed ${values.seed}`);
const startedMs = performance.now();
const report = assertAgreement(Number(values.seed), Number(values.inputs), {
  first: Number(values.first),
  onProgress: (done) => {
    if (done % PROGRESS_EVERY === 0)
      console.log(`${done} of ${values.inputs} agree, ${Math.round((performance.now() - startedMs) / 1000)} s`);
  },
});
console.log(JSON.stringify({ seed: Number(values.seed), ...report }));
