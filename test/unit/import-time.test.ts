import { describe, expect, test } from 'vitest';
import { parseSyslogLine } from '../../src/import/syslog-line.ts';
import { createTimeResolver, createYearCounter, firstYear } from '../../src/import/resolve-time.ts';
import { daysInMonth, type LineTime } from '../../src/import/parsed-line.ts';
import { parseTimeZone, type TimeZone } from '../../src/import/time-zone.ts';

function at(text: string): LineTime {
  const time = parseSyslogLine(`${text} h p: m`)?.time;
  if (time === undefined) throw new Error(`no time in "${text}"`);
  return time;
}

function zone(name: string): TimeZone {
  const found = parseTimeZone(name);
  if (found === undefined) throw new Error(`no zone "${name}"`);
  return found;
}

const NOW = Date.UTC(2026, 10, 23, 4, 0, 0);

function yearOf(lines: string[], nowMs = NOW): number {
  const counter = createYearCounter();
  const years = lines.map((line) => counter.next(at(line)));
  const leapYears = years.filter((_, index) => lines[index].startsWith('Feb 29'));
  return firstYear({ last: at(lines[lines.length - 1]), lastYears: years[years.length - 1], leapYears }, nowMs);
}

describe('years of lines without one', () => {
  test('the latest year that is not in the future', () => {
    expect(yearOf(['Dec 10 06:55:46'])).toBe(2025);
    expect(yearOf(['Nov 22 06:55:46'])).toBe(2026);
  });

  test('a zone east of the guess does not cost a year', () => {
    expect(yearOf(['Nov 23 15:00:00'])).toBe(2026);
    expect(yearOf(['Nov 25 00:00:00'])).toBe(2025);
    expect(yearOf(['Jan  1 09:00:00'], Date.UTC(2026, 11, 31, 23, 0, 0))).toBe(2027);
  });

  test('a file that spans New Year ends not in the future', () => {
    expect(yearOf(['Oct  1 00:00:00', 'Dec 31 23:59:59', 'Jan  1 00:00:01', 'Nov 20 00:00:00'])).toBe(2025);
    expect(yearOf(['Dec 31 23:59:59', 'Jan  1 00:00:01', 'Jun  1 00:00:00', 'Feb  1 00:00:00'])).toBe(2024);
  });

  test('29 February takes the line into a leap year', () => {
    expect(yearOf(['Feb 29 12:00:00'])).toBe(2024);
    expect(yearOf(['Dec 31 12:00:00', 'Feb 29 12:00:00'])).toBe(2023);
  });

  test('times never go back by more than a day within a file', () => {
    const resolve = createTimeResolver(2024, zone('UTC'));
    const lines = [
      'Dec 31 23:59:59',
      'Jan  1 00:00:00',
      'Dec 31 23:59:58',
      'Jan  1 00:00:01',
      'Jan  1 00:00:00',
      'Mar  5 00:00:00',
      'Mar  1 00:00:00',
    ];
    expect(lines.map((line) => resolve(at(line))?.text)).toEqual([
      '2024-12-31T23:59:59Z',
      '2025-01-01T00:00:00Z',
      '2024-12-31T23:59:58Z',
      '2025-01-01T00:00:01Z',
      '2025-01-01T00:00:00Z',
      '2025-03-05T00:00:00Z',
      '2026-03-01T00:00:00Z',
    ]);
  });

  test('a 29 February of a given year without one is no time', () => {
    expect(createTimeResolver(2025, zone('UTC'))(at('Feb 29 00:00:00'))).toBeUndefined();
  });
});

describe('what is inferred is said', () => {
  const resolve = createTimeResolver(2024, zone('+02:00'));
  test.each([
    ['Dec 10 06:55:46', '2024-12-10T06:55:46+02:00', ['year', 'zone']],
    ['Dec 10 2019 06:55:46.5', '2019-12-10T06:55:46.5+02:00', ['zone']],
    ['2019-12-10T06:55:46-01:00', '2019-12-10T06:55:46-01:00', []],
  ])('%s → %s, inferred %j', (text, expected, inferred) => {
    expect(resolve(at(text))).toEqual({ text: expected, inferred });
  });
});

describe('time zones', () => {
  test.each([
    ['UTC', 'Jul  1 12:00:00', 'Z'],
    ['-09:30', 'Jul  1 12:00:00', '-09:30'],
    ['Europe/Berlin', 'Jan  1 12:00:00', '+01:00'],
    ['Europe/Berlin', 'Jul  1 12:00:00', '+02:00'],
    ['Europe/Berlin', 'Mar 31 01:59:59', '+01:00'],
    ['Europe/Berlin', 'Mar 31 03:00:00', '+02:00'],
    ['Europe/Berlin', 'Oct 27 02:30:00', '+02:00'], // twice: the first pass
    ['Europe/Berlin', 'Oct 27 03:00:00', '+01:00'],
    ['Europe/Berlin', 'Mar 31 02:30:00', '+01:00'], // never: the offset before the change
    ['America/New_York', 'Nov  3 00:59:59', '-04:00'],
    ['America/New_York', 'Nov  3 02:00:00', '-05:00'],
    ['Asia/Kolkata', 'Nov  3 02:00:00', '+05:30'],
    ['Europe/London', 'Jan  3 02:00:00', 'Z'],
  ])('%s at %s 2024 is %s', (name, text, offset) => {
    expect(zone(name).offsetAt(at(text), 2024)).toBe(offset);
  });

  test.each(['', 'Mars/Olympus', '+24:00', '+2:00', '02:00'])('refuses %j', (name) => {
    expect(parseTimeZone(name)).toBeUndefined();
  });
});

test('months have the days that the calendar of JavaScript gives them', () => {
  for (let year = 1890; year <= 2110; year++) {
    for (let month = 1; month <= 12; month++) expect(daysInMonth(year, month)).toBe(new Date(Date.UTC(year, month, 0)).getUTCDate());
  }
});
