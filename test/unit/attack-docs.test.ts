import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { CATALOGUE } from '../../src/attack/catalogue.ts';
import { DETECT_MS_MAX, STALL_MS_MAX } from '../../src/attack/live/live-run.ts';
import { LIVE_RESULTS, readLiveResults } from '../fault/attack-live-results.ts';
import { attacksIn, LIVE_STATES } from '../fault/attack-live-states.ts';
import { attacksMarkdown, catalogueTable, DISTURBED_SHARE_MAX, faultsOf, liveCell, type LiveResult } from '../fault/attack-table.ts';

const RUNS_MIN = 20;
/** States and sizes of events that have been measured whole. */
const MEASURED = LIVE_STATES.flatMap((state) => [200, 60_000].map((eventBytes) => [state, eventBytes] as const));

/** Table rows without the formatter's padding. */
const rowsOf = (text: string): string[] =>
  text
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) => line.replaceAll(/ +/g, ' '));

test('docs/attacks.md says of every attack what the catalogue says; run: node test/fault/attack-live.run.ts', () => {
  const documented = rowsOf(readFileSync('docs/attacks.md', 'utf8'));
  expect(documented.slice(0, CATALOGUE.length)).toEqual(rowsOf(catalogueTable()));
});

test('docs/attacks.md is made from the runs that were kept, and none of them missed an attack or was late', () => {
  const results = readLiveResults(LIVE_RESULTS);
  expect(rowsOf(readFileSync('docs/attacks.md', 'utf8'))).toEqual(rowsOf(attacksMarkdown(results)));
  expect(results.flatMap(faultsOf)).toEqual([]);
  const runs = results.flatMap((result) => result.runs);
  expect(runs.filter(({ stallMs }) => stallMs > STALL_MS_MAX).length).toBeLessThanOrEqual(runs.length * DISTURBED_SHARE_MAX);
});

test.each(MEASURED)('every attack that must be detected was tried twenty times at least: %s, %i bytes', (state, eventBytes) => {
  const results = readLiveResults(LIVE_RESULTS).filter((result) => result.state === state && result.eventBytes === eventBytes);
  const missing = attacksIn(state)
    .filter(({ live }) => live === 'detected')
    .filter((attack) => (results.find((result) => result.attack === attack)?.runs.length ?? 0) < RUNS_MIN);
  expect(missing.map(({ name }) => name)).toEqual([]);
});

const [detected, quiet] = [CATALOGUE.find(({ live }) => live === 'detected'), CATALOGUE.find(({ live }) => live === 'quiet')];
const run = (latencyMs: number | undefined, stallMs = 1) => ({ latencyMs, stallMs, note: '' });
function result(attack: LiveResult['attack'] | undefined, runs: LiveResult['runs']): LiveResult {
  if (attack === undefined) throw new Error('the catalogue has no such attack');
  return { attack, state: LIVE_STATES[0], eventBytes: 200, runs };
}

test('a late detection, a missing one and a false alarm are faults, and a disturbed run counts for nothing', () => {
  expect(faultsOf(result(detected, [run(10), run(DETECT_MS_MAX - 1)]))).toEqual([]);
  expect(faultsOf(result(detected, [run(10), run(DETECT_MS_MAX)]))).toHaveLength(1);
  expect(faultsOf(result(detected, [run(undefined)]))).toHaveLength(1);
  expect(faultsOf(result(detected, [run(10), run(5000, STALL_MS_MAX + 1)]))).toEqual([]);
  expect(faultsOf(result(quiet, [run(undefined)]))).toEqual([]);
  expect(faultsOf(result(quiet, [run(3)]))).toHaveLength(1);
});

test('a cell holds median, 99th percentile and greatest, and says what was left out', () => {
  expect(liveCell(result(detected, [run(1), run(2), run(30)]))).toBe('2 / 30 / 30 (3)');
  expect(liveCell(result(detected, [run(1), run(undefined), run(9, STALL_MS_MAX + 1)]))).toBe('1 / 1 / 1 (3, 1 disturbed, 1 not seen)');
  expect(liveCell(result(detected, [run(9, STALL_MS_MAX + 1)]))).toBe('not measured (1, 1 disturbed)');
  expect(liveCell(result(quiet, [run(undefined)]))).toBe('quiet (1)');
  expect(liveCell(undefined)).toBe('–');
});
