import { describe, expect, it } from 'vitest';
import { BAD_BODIES } from '../support/bad-bodies.ts';
import { GOOD_BODIES } from '../support/good-bodies.ts';
import { faultPaths, parseText } from '../support/parse-text.ts';

const toFraming = (contentType: string): 'json' | 'ndjson' => (contentType === 'application/json' ? 'json' : 'ndjson');

describe('bad bodies', () => {
  const judged = BAD_BODIES.filter(({ expect: { faults } }) => faults !== undefined);

  it('are at least forty, each with a name of its own', () => {
    expect(judged.length).toBeGreaterThanOrEqual(40);
    expect(new Set(BAD_BODIES.map(({ name }) => name)).size).toBe(BAD_BODIES.length);
  });

  it.each(judged)('every fault is told and nothing is taken of $name', ({ contentType, body, expect: { faults: expected = [] } }) => {
    const parsed = parseText(body, toFraming(contentType));
    expect(parsed.payloads).toEqual([]);
    expect(faultPaths(parsed.faults)).toEqual(faultPaths(expected));
    expect(parsed.faultsTotal).toBe(parsed.faults.length);
    expect(parsed.rejected).toBeGreaterThan(0);
    for (const { line, field, reason } of expected) {
      const reasons = parsed.faults.filter((fault) => fault.line === line && fault.field === field).map((fault) => fault.reason);
      expect(reasons.join()).toMatch(reason ?? /\w/);
    }
  });
});

describe('good bodies', () => {
  it.each(GOOD_BODIES)('nothing is refused and nothing changed but the spelling of $name', ({ contentType, body, payloads }) => {
    const parsed = parseText(body, toFraming(contentType));
    expect(parsed.faults).toEqual([]);
    expect(parsed.payloads).toEqual(payloads);
  });
});
