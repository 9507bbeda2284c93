import { isRealTime, type LineTime } from './parsed-line.ts';

/** RFC 3339 and its log-file cousins: blank for "T", comma for the point, "+0200" for "+02:00", no zone. */
const ISO = /^(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:[.,](\d{1,9}))?\s?([Zz]|[+-]\d\d:?\d\d)?/;

/** The time at the start of `text`, and how many characters it takes; undefined when there is none. */
export function parseIsoTime(text: string): { time: LineTime; length: number } | undefined {
  const match = ISO.exec(text);
  if (match === null) return undefined;
  const [whole, year, month, day, hour, minute, second, fraction = '', zone] = match;
  const offset = zone === undefined ? undefined : toOffset(zone);
  const time = { year: +year, month: +month, day: +day, hour: +hour, minute: +minute, second: +second, fraction, offset };
  return isRealTime(time) ? { time, length: whole.trimEnd().length } : undefined;
}

/** "z", "+0200", "+02:00" → RFC 3339 offset. */
export function toOffset(zone: string): string {
  return zone.length === 1 ? 'Z' : `${zone.slice(0, 3)}:${zone.slice(-2)}`;
}
