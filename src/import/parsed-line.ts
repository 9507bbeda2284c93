import type { Json } from '../kernel/canonical-json.ts';
import type { Level } from '../kernel/levels.ts';

/** A time as a log line writes it: the year and the zone may be missing. */
export interface LineTime {
  readonly year?: number | undefined;
  /** 1–12. */
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  /** Digits after the second's point, possibly none. */
  readonly fraction: string;
  /** RFC 3339 offset: "Z" or "+hh:mm". */
  readonly offset?: string | undefined;
}

/** What a line says, in its own words; nothing inferred yet. */
export interface ParsedLine {
  readonly message: string;
  readonly time?: LineTime | undefined;
  readonly level?: Level | undefined;
  /** The program that wrote the line. */
  readonly source?: string | undefined;
  readonly actor?: string | undefined;
  readonly attributes: Readonly<Record<string, Json | undefined>>;
}

/** A line in one format; undefined when it is not in it. */
export type ParseLine = (text: string) => ParsedLine | undefined;

const MONTHS = new Map(
  ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'].map((name, at) => [name, at + 1]),
);

/** English three-letter month → 1–12. */
export function parseMonth(name: string): number | undefined {
  return MONTHS.get(name.toLowerCase());
}

/** Gregorian. Runs for every line, so without a Date. */
export function daysInMonth(year: number, month: number): number {
  if (month !== 2) return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
}

/** True for a day that exists (29 February counts when the year is not known) and a time of day; second 60 is a leap second. */
export function isRealTime(time: LineTime): boolean {
  return (
    time.month >= 1 &&
    time.month <= 12 &&
    time.day >= 1 &&
    time.day <= daysInMonth(time.year ?? 2024, time.month) &&
    time.hour <= 23 &&
    time.minute <= 59 &&
    time.second <= 60
  );
}
