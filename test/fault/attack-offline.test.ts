import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Attack } from '../../src/attack/attack.ts';
import { CATALOGUE } from '../../src/attack/catalogue.ts';
import { tempDir } from '../support/temp-dir.ts';
import { attackOffline, INPUTS, isExpected, namesThePlace, verifyThrice, type Answers } from './attack-offline.ts';
import { copyState, makeActive, makeDuringAppend, makeSealedAndRotated, type AttackState } from './attack-states.ts';

/** Ledgers of real sidecars, one of them with 131,072 leaves and more. */
const PREPARE_MS_MAX = 180_000;

const directory = tempDir();
afterAll(() => directory[Symbol.dispose]());

const states = new Map<string, AttackState>();
const unattacked = new Map<string, Answers>();
const folder = (name: string): string => join(directory.path, name);

beforeAll(async () => {
  for (const name of ['active', 'long', 'longer', 'append']) mkdirSync(folder(name));
  const active = await makeActive(folder('active'));
  const [sealed, rotated] = await makeSealedAndRotated(folder('long'), 1);
  const [threeSegments] = await makeSealedAndRotated(folder('longer'), 2);
  const during = await makeDuringAppend(folder('append'), active);
  for (const state of [sealed, active, rotated, during, { ...threeSegments, name: THREE_SEGMENTS }]) {
    states.set(state.name, state);
    unattacked.set(state.name, await verifyThrice(copyState(state, folder('copy'))));
  }
}, PREPARE_MS_MAX);

/** For what needs a segment between two others; everything else is tried on shorter ledgers. */
const THREE_SEGMENTS = 'sealed, three segments';
/** Full segments, and their index, are in the long ledgers only. */
const SHORT = new Set(['active', 'during append']);

function isPossible({ needs }: Attack, stateName: string): boolean {
  // What a folder cannot show stands in docs/attacks.md under live detection alone.
  if (needs.includes('sidecar')) return false;
  if (needs.includes('three-segments') || stateName === THREE_SEGMENTS)
    return needs.includes('three-segments') && stateName === THREE_SEGMENTS;
  return !SHORT.has(stateName) || !needs.some((need) => need === 'segments' || need === 'index' || need === 'archive');
}

describe.each(['sealed', 'active', 'just rotated', 'during append', THREE_SEGMENTS])('%s', (stateName) => {
  test('is sound before any attack', () => {
    const said = INPUTS.map((input) => unattacked.get(stateName)?.[input].verdict);
    if (stateName === 'during append') expect(said.every((verdict) => verdict === 'TORN_TAIL' || verdict?.startsWith('OK_'))).toBe(true);
    else expect(said).toEqual(['OK_UNANCHORED', 'OK_ANCHORED', 'OK_UNANCHORED']);
  });

  const possible = CATALOGUE.filter((attack) => isPossible(attack, stateName));
  test.each(possible.map((attack) => [attack.name, attack] as const))('%s gets the verdicts that it must', async (_, attack) => {
    const [state, before] = [states.get(stateName), unattacked.get(stateName)];
    if (state === undefined || before === undefined) throw new Error('the state was not made');
    const { outcome, answers, isChanged, expected } = await attackOffline(attack, state, copyState(state, folder('copy'), attack.on));

    // An attack that changes nothing would prove nothing.
    expect(isChanged).toBe(attack.isHarmful);
    const said = INPUTS.map((input) => [input, answers[input].verdict]);
    const wrong = INPUTS.filter((input) => !isExpected(answers[input].verdict, expected[input], before[input].verdict));
    expect(wrong, `${JSON.stringify(said)} instead of ${JSON.stringify(expected)}; ${outcome.note}`).toEqual([]);
    // The attacker wins when a verifier is content with other entries than were acknowledged.
    if (isChanged) expect(INPUTS.filter((input) => answers[input].verdict === 'OK_ANCHORED')).toEqual([]);
    if (attack.isLocated) expect(namesThePlace(answers.root, outcome), JSON.stringify([outcome.leaves, answers.root.findings])).toBe(true);
    if (attack.expected.public === 'OK_UNANCHORED' && attack.isHarmful) {
      expect(answers.public.notChecked.some((text) => /rollback|rewritten|newest/.test(text))).toBe(true);
    }
  });
});
