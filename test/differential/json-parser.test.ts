import { describe, expect, it } from 'vitest';
import { utf8 } from '../../src/kernel/bytes.ts';
import { referenceParse, type ReferenceResult } from '../support/reference-events.ts';
import { testSeed } from '../support/seed.ts';
import { assertAgreement, findDisagreement } from './json-agreement.ts';

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

  const body = utf8('{"message":"a","tenant":"t","level":"warn"}\n{"message":1}\n{"message"\n{"message":"b"}\n');
  const truth = referenceParse(body, 'ndjson');
  const [first, second] = truth.events;
  const LIES: Readonly<Record<string, Partial<ReferenceResult>>> = {
    'a changed payload': { events: [{ ...first, payload: first.payload.replace('"a"', '"A"') }, second] },
    'another level': { events: [{ ...first, level: 'error' }, second] },
    'another tenant': { events: [{ ...first, tenant: undefined }, second] },
    'a lost event': { events: [first] },
    'events in another order': { events: [second, first] },
    'a fault too few': { faults: truth.faults.slice(1) },
    'a fault of another field': { faults: truth.faults.map((fault) => ({ ...fault, field: `${fault.field}x` })) },
    'a fault of another line': { faults: truth.faults.map((fault) => ({ ...fault, line: fault.line + 1 })) },
    'a line more refused': { rejected: truth.rejected + 1 },
  };

  it('agrees on the body that the lies are told about', () => {
    expect(findDisagreement({ body, framing: 'ndjson' }, truth)).toBeUndefined();
  });

  it.each(Object.entries(LIES))('is told to disagree by %s', (_name, lie) => {
    expect(findDisagreement({ body, framing: 'ndjson' }, { ...truth, ...lie })).toMatch(/expected .* got/);
  });
});
