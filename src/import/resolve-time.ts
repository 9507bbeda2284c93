import { daysInMonth, type LineTime } from './parsed-line.ts';
import type { TimeZone } from './time-zone.ts';

/**
 * Lines without a year get one by their order: a file is a stretch of time, so a line more than a day before its
 * predecessors belongs to the next year. A step back of up to a day is two writers, or a clock put back.
 */
const DISORDER_MS = 86_400_000;
/**
 * "Not in the future" allows a day: the zone is often a guess, and a log written a minute ago in a zone east of the guess
 * must not land a year in the past.
 */
const FUTURE_SLACK_MS = 86_400_000;
/** 29 February comes at least every eight years. */
const LEAP_SEARCH_YEARS = 8;

export type Inferred = 'year' | 'zone';

export interface ResolvedTime {
  /** RFC 3339. */
  readonly text: string;
  readonly inferred: readonly Inferred[];
}

/** Counts years from the first line on: 0, then 1 after the first New Year, … */
export interface YearCounter {
  /** Year of this line, relative to the first line's; −1 for a late line of the year before. */
  next(time: LineTime): number;
}

export function createYearCounter(): YearCounter {
  let years = 0;
  let latestMs = Number.NEGATIVE_INFINITY;
  return {
    next(time) {
      const ms = (year: number): number => Date.UTC(2000 + year, time.month - 1, time.day, time.hour, time.minute, time.second);
      // A line of 31 December just after one of 1 January.
      if (ms(years - 1) > latestMs - DISORDER_MS && ms(years) > latestMs + DISORDER_MS && latestMs !== Number.NEGATIVE_INFINITY)
        return years - 1;
      if (ms(years) < latestMs - DISORDER_MS) years++;
      latestMs = Math.max(latestMs, ms(years));
      return years;
    },
  };
}

/** What a first pass over a file found about the years of its lines. */
export interface YearSpan {
  /** The last line without a year, and its year relative to the first line's. */
  readonly last: LineTime;
  readonly lastYears: number;
  /** Relative years that have a 29 February. */
  readonly leapYears: readonly number[];
}

/** The first line's year: the latest that puts the last line not into the future and gives every 29 February a leap year. */
export function firstYear(span: YearSpan, nowMs: number): number {
  const limitMs = nowMs + FUTURE_SLACK_MS;
  const { last, lastYears } = span;
  let year = new Date(limitMs).getUTCFullYear();
  if (Date.UTC(year, last.month - 1, last.day, last.hour, last.minute, last.second) > limitMs) year--;
  const first = year - lastYears;
  for (let back = 0; back <= LEAP_SEARCH_YEARS; back++) {
    if (span.leapYears.every((years) => daysInMonth(first - back + years, 2) === 29)) return first - back;
  }
  return first;
}

/** Line times in file order → RFC 3339, with what had to be inferred. `firstLineYear` is the year of the first line that names none. */
export function createTimeResolver(firstLineYear: number, zone: TimeZone): (time: LineTime) => ResolvedTime | undefined {
  const counter = createYearCounter();
  return (time) => {
    const year = time.year ?? firstLineYear + counter.next(time);
    // 29 February of a year without one: only when the year was given or inferred wrongly. The line keeps its text.
    if (time.day > daysInMonth(year, time.month)) return undefined;
    const inferred: Inferred[] = [];
    if (time.year === undefined) inferred.push('year');
    if (time.offset === undefined) inferred.push('zone');
    const two = (value: number): string => String(value).padStart(2, '0');
    const date = `${String(year).padStart(4, '0')}-${two(time.month)}-${two(time.day)}`;
    const clock = `${two(time.hour)}:${two(time.minute)}:${two(time.second)}${time.fraction === '' ? '' : `.${time.fraction}`}`;
    return { text: `${date}T${clock}${time.offset ?? zone.offsetAt(time, year)}`, inferred };
  };
}
