import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseText } from '../support/parse-text.ts';
import { isReferenceTime } from '../support/reference-events.ts';
import { testSeed } from '../support/seed.ts';

function isTaken(time: string): boolean {
  const { payloads, faults } = parseText(`{"message":"a","time":${time}}`);
  if (payloads.length === 1) {
    expect(payloads).toEqual([`{"message":"a","time":${time}}`]);
    return true;
  }
  expect(faults.map(({ field }) => field)).toEqual(['time']);
  return false;
}

const GOOD = [
  '2026-11-23T05:26:03Z',
  '2026-11-23t05:26:03z',
  '2026-11-23T05:26:03.5+02:00',
  '2026-11-23T05:26:03.123456789-23:59',
  '2024-02-29T00:00:00Z',
  '2000-02-29T00:00:00Z',
  '0000-02-29T00:00:00Z',
  '9999-12-31T23:59:59Z',
  '2016-12-31T23:59:60Z',
  '2026-01-31T00:00:00-00:00',
];
const BAD = [
  '',
  'now',
  '2026-11-23',
  '05:26:03Z',
  '2026-11-23T05:26:03',
  '2026-11-23 05:26:03Z',
  '2026-11-23T05:26Z',
  '2026-11-23T05:26:03.Z',
  '2026-11-23T05:26:03,5Z',
  '2026-02-29T00:00:00Z',
  '1900-02-29T00:00:00Z',
  '2026-02-30T00:00:00Z',
  '2026-04-31T00:00:00Z',
  '2026-00-01T00:00:00Z',
  '2026-13-01T00:00:00Z',
  '2026-01-00T00:00:00Z',
  '2026-01-32T00:00:00Z',
  '2026-01-01T24:00:00Z',
  '2026-01-01T00:60:00Z',
  '2026-01-01T00:00:61Z',
  '2026-01-01T00:00:00+24:00',
  '2026-01-01T00:00:00+00:60',
  '2026-01-01T00:00:00+0000',
  '2026-01-01T00:00:00+00',
  '2026-01-01T00:00:00ZZ',
  ' 2026-01-01T00:00:00Z',
  '2026-01-01T00:00:00Z ',
  '20260101T000000Z',
  '+2026-01-01T00:00:00Z',
  '２026-01-01T00:00:00Z',
  '1767225600000',
];

describe('time', () => {
  it.each(GOOD)('takes %s as it was sent', (time) => {
    expect(isTaken(JSON.stringify(time))).toBe(true);
  });

  it.each(BAD)('refuses "%s"', (time) => {
    expect(isTaken(JSON.stringify(time))).toBe(false);
  });

  it.each(['0', '-0', '1767225600000', '1767225600000.25', '-62135596800000', '1.7672256e12', '1e308', '9'.repeat(308)])(
    'takes the number %s',
    (time) => {
      expect(isTaken(time)).toBe(true);
    },
  );

  it.each(['1e309', '-1e400', '9'.repeat(310), 'null', 'true', '[]', '{}'])('refuses %s', (time) => {
    expect(isTaken(time)).toBe(false);
  });

  it('agrees with the calendar for any date, any clock time and any one changed character', () => {
    const digits = (max: number): fc.Arbitrary<string> => fc.integer({ min: 0, max }).map((n) => String(n).padStart(2, '0'));
    const year = fc.integer({ min: 0, max: 9999 }).map((n) => String(n).padStart(4, '0'));
    const zone = fc.oneof(
      fc.constantFrom('Z', 'z', ''),
      fc.tuple(fc.constantFrom('+', '-'), digits(25), digits(61)).map(([sign, h, m]) => `${sign}${h}:${m}`),
    );
    const whole = fc
      .tuple(year, digits(13), digits(32), digits(25), digits(61), digits(62), fc.constantFrom('', '.0', '.123456', '.'), zone)
      .map(([y, mo, d, h, mi, s, fraction, z]) => `${y}-${mo}-${d}T${h}:${mi}:${s}${fraction}${z}`);
    const changed = fc
      .tuple(fc.constantFrom(...GOOD), fc.nat(40), fc.constantFrom('', '0', '9', ':', '-', 'T', 'Z', '.', ' ', '/', 'é'))
      .map(([time, at, char]) => time.slice(0, at) + char + time.slice(at + 1));
    fc.assert(
      fc.property(fc.oneof(whole, changed), (time) => {
        expect(isTaken(JSON.stringify(time))).toBe(isReferenceTime(time));
      }),
      { seed: testSeed(), numRuns: 5_000 },
    );
  });
});
