import type { LineTime } from './parsed-line.ts';

/** The zone lines are read in when they name none. */
export interface TimeZone {
  readonly name: string;
  /** RFC 3339 offset of a local time in this zone. */
  offsetAt(time: LineTime, year: number): string;
}

const FIXED = /^[+-](?:[01]\d|2[0-3]):[0-5]\d$/;
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
/** Asking Intl takes microseconds and lines of one hour share the answer; zones change at most at quarter hours, hence the key. */
const CACHE_ENTRIES_MAX = 4096;

/** "UTC", "+02:00" or an IANA name; undefined when it is none of them. */
export function parseTimeZone(name: string): TimeZone | undefined {
  if (name === 'UTC' || name === 'Z') return { name: 'UTC', offsetAt: () => 'Z' };
  if (FIXED.test(name)) return { name, offsetAt: () => name };
  try {
    return namedZone(name);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function namedZone(name: string): TimeZone {
  const format = new Intl.DateTimeFormat('en-US', { timeZone: name, timeZoneName: 'longOffset' });
  const offsetMsAt = (utcMs: number): number => {
    const text = format.formatToParts(utcMs).find((part) => part.type === 'timeZoneName')?.value ?? 'GMT';
    const match = /^GMT(?:([+-])(\d\d):(\d\d)(?::\d\d)?)?$/.exec(text);
    if (match === null) throw new Error(`unexpected offset "${text}" for zone "${name}"`);
    if (match[1] === undefined) return 0;
    return (match[1] === '-' ? -1 : 1) * (Number(match[2]) * HOUR_MS + Number(match[3]) * MINUTE_MS);
  };
  const cache = new Map<number, string>();
  return {
    name,
    offsetAt(time, year) {
      const localMs = Date.UTC(year, time.month - 1, time.day, time.hour, time.minute - (time.minute % 15));
      const known = cache.get(localMs);
      if (known !== undefined) return known;
      // In the hour that a clock change repeats, the first pass is meant; in the hour it skips, the offset before the change.
      const before = offsetMsAt(localMs - 24 * HOUR_MS);
      const after = offsetMsAt(localMs + 24 * HOUR_MS);
      const isBefore = before === after || offsetMsAt(localMs - before) === before || offsetMsAt(localMs - after) !== after;
      const offset = formatOffset(isBefore ? before : after);
      if (cache.size >= CACHE_ENTRIES_MAX) cache.clear();
      cache.set(localMs, offset);
      return offset;
    },
  };
}

function formatOffset(offsetMs: number): string {
  if (offsetMs === 0) return 'Z';
  const minutes = Math.abs(offsetMs) / MINUTE_MS;
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${offsetMs < 0 ? '-' : '+'}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
}
