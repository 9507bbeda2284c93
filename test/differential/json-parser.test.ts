import { describe, expect, it } from 'vitest';
import { testSeed } from '../support/seed.ts';
import { assertAgreement } from './json-agreement.ts';

/** A slice for every run; DIFF_INPUTS=1000000, or json-parser.run.ts, judges more. */
const INPUTS = Number(process.env.DIFF_INPUTS ?? 150_000);
/** Generous: a busy machine with two cores judges 2,000 inputs a second, a quiet one 10,000. */
const TIMEOUT_MS = 30_000 + INPUTS;

describe('the parser of request bodies', () => {
  it(
    `agrees with the slow reference on ${INPUTS} generated bodies`,
    () => {
      const report = assertAgreement(testSeed(), INPUTS);
      expect(report.inputs).toBe(INPUTS);
      // The generator must make enough of both kinds, or agreement would mean little.
      expect(report.acceptedInputs).toBeGreaterThan(INPUTS / 6);
      expect(report.acceptedEvents).toBeGreaterThan(INPUTS / 3);
      expect(report.faults).toBeGreaterThan(INPUTS / 3);
    },
    TIMEOUT_MS,
  );
});
