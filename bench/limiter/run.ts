/** `npm run bench:limiter -- [--only memory|keys|redis|http] [--seconds 5] [--rounds 5]`: our limiter and others in turn, as ratios. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { calibrate } from '../measure.ts';
import { benchHttp } from './http.ts';
import { benchInMemory, benchMemoryPerKey } from './in-process.ts';
import { benchRedis } from './redis.ts';

const { values } = parseArgs({
  options: { only: { type: 'string' }, seconds: { type: 'string', default: '5' }, rounds: { type: 'string', default: '5' } },
});
const [seconds, rounds] = [Number(values.seconds), Number(values.rounds)];
if (!Number.isInteger(seconds) || seconds < 1 || seconds > 600)
  throw new Error(`--seconds "${values.seconds}" is not a number from 1 to 600`);
if (!Number.isInteger(rounds) || rounds < 1 || rounds > 20) throw new Error(`--rounds "${values.rounds}" is not a number from 1 to 20`);

const PARTS: Readonly<Record<string, () => Promise<unknown>>> = {
  memory: () => benchInMemory(seconds, rounds),
  keys: () => benchMemoryPerKey(),
  redis: () => benchRedis(seconds, rounds),
  http: () => benchHttp(seconds, rounds),
};
const names = values.only === undefined ? Object.keys(PARTS) : [values.only];
if (names.some((name) => !Object.hasOwn(PARTS, name)))
  throw new Error(`there is no part "${values.only}"; there are ${Object.keys(PARTS).join(', ')}`);

const results: Record<string, unknown> = { at: new Date().toISOString(), seconds, calibration: calibrate() };
console.log('calibration', results['calibration']);
mkdirSync('bench/results', { recursive: true });
for (const name of names) {
  results[name] = await PARTS[name]();
  console.dir(results[name], { depth: 5 });
  writeFileSync('bench/results/limiter.json', `${JSON.stringify(results, undefined, 2)}\n`);
}
