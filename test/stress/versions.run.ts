/**
 * `npm run stress:versions [-- --size 8MiB --cycles 10000 --seed N --transcript FILE]`: random upgrades and rollbacks of one artifact. The
 * hash of every new head is checked against a content that this script holds itself, and in the end all of it is taken back.
 */
import { createHash } from 'node:crypto';
import { appendFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { tempDir } from '../support/temp-dir.ts';
import { formatHeader, formatStep } from './transcript.ts';
import { VersionsRun } from './versions-run.ts';

const UNITS: Readonly<Record<string, number>> = { KiB: 1024, MiB: 1024 ** 2 };
/** Lines of progress. */
const SAY_EVERY = 500;

const { values } = parseArgs({
  options: {
    size: { type: 'string', default: '8MiB' },
    cycles: { type: 'string', default: '10000' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    transcript: { type: 'string' },
  },
});
const [, number, unit] = /^(\d{1,4})(KiB|MiB)$/.exec(values.size) ?? [];
const bytes = Number(number) * (UNITS[unit] ?? Number.NaN);
const [cycles, seed] = [Number(values.cycles), Number(values.seed)];
if (!(bytes > 0) || !Number.isSafeInteger(cycles) || cycles < 1 || !Number.isSafeInteger(seed))
  throw new Error('usage: npm run stress:versions -- [--size 4KiB|8MiB] [--cycles N] [--seed N] [--transcript FILE]');

using directory = tempDir();
await using run = await VersionsRun.begin(directory.path, bytes, seed);
console.log(`seed ${seed}, ${bytes} bytes, ${cycles} cycles`);
const { transcript } = values;
if (transcript !== undefined) writeFileSync(transcript, formatHeader(seed, run.content));
const startMs = performance.now();
for (let cycle = 1; cycle <= cycles; cycle++) {
  const step = await run.step(transcript !== undefined);
  if (transcript !== undefined) appendFileSync(transcript, formatStep(step));
  if (cycle % SAY_EVERY === 0) console.log(`${cycle} cycles, ${run.upgrades} upgrades, ${run.rollbacks} rollbacks, ${seconds()} s`);
}
const last = await run.takeAllBack(transcript !== undefined);
if (transcript !== undefined) appendFileSync(transcript, formatStep(last));
const { checked, damages } = await run.verify();
if (damages.length > 0) throw new Error(`damages: ${JSON.stringify(damages)}`);
const first = createHash('sha256').update(run.content).digest('hex');
console.log(
  `${run.upgrades} upgrades and ${run.rollbacks} rollbacks in ${seconds()} s; version 1 is back bit for bit (${first}); ${checked} versions made and hashed again, all right`,
);

function seconds(): number {
  return Math.round((performance.now() - startMs) / 1000);
}
