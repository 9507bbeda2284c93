import fc from 'fast-check';
import { isDeepStrictEqual } from 'node:util';
import { type PatchAnswer, patchAnswer, type PatchCase, patchCases } from './patch-cases.ts';
import { WINDOW_GROUP_CASES, windowAnswer, type WindowCase, windowGroups } from './window-cases.ts';

/** One part of the product with a model in Lean: the same inputs to both have to have the same answers. */
export interface Component {
  /** Names the corpus, and the file of `DiffTest/`. */
  readonly name: 'limiter-window' | 'versions-patch';
  readonly leanFile: string;
  /** A Lean function `String → String`, JSON in and JSON out. */
  readonly leanFunction: string;
  cases(count: number, seed: number): readonly unknown[];
  /** Are the answers of the code that ships those of Lean? All of each answer is compared. */
  agrees(input: unknown, leanAnswer: unknown): boolean;
}

export const COMPONENTS: readonly Component[] = [
  {
    name: 'limiter-window',
    leanFile: 'DiffTest/Window.lean',
    leanFunction: 'DiffTest.window',
    cases: (count, seed) => fc.sample(windowGroups, { seed, numRuns: Math.ceil(count / WINDOW_GROUP_CASES) }).flat(),
    agrees: (input, answer) => isDeepStrictEqual(windowAnswer(input as WindowCase), answer),
  },
  {
    name: 'versions-patch',
    leanFile: 'DiffTest/Patch.lean',
    leanFunction: 'DiffTest.patch',
    cases: (count, seed) => fc.sample(patchCases, { seed, numRuns: count }),
    agrees: (input, answer) => isDeepStrictEqual(patchAnswer(input as PatchCase), withNulls(answer as PatchAnswer)),
  },
];

/** Lean may leave out what is null. */
function withNulls(answer: PatchAnswer): PatchAnswer {
  return { ...answer, applied: answer.applied ?? null, undone: answer.undone ?? null, composed: answer.composed ?? null };
}
