import type { Level } from '../kernel/levels.ts';
import { parseIsoTime } from './iso-time.ts';
import { isRealTime, parseMonth, type LineTime, type ParsedLine } from './parsed-line.ts';

/** RFC 5424 table 2, severities 0–7. */
const SEVERITY_LEVELS: readonly Level[] = ['fatal', 'fatal', 'fatal', 'error', 'warn', 'info', 'info', 'debug'];
/** PRI = facility (0–23) × 8 + severity. */
const PRIORITY_MAX = 191;

const PRIORITY = /^<(\d{1,3})>/;
/** RFC 3164 section 4.1.2; the year after the day is a habit of network gear. */
const BSD_TIME = /^([A-Z][a-z]{2}) {1,2}(\d{1,2}) (?:(\d{4}) )?(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?:? /;
const HOST_AND_TAG = /^(\S+) +([^\s:[\]]{1,255}(?:\([^\s)]*\))?)(?:\[(\d{1,10})\])?:(?: |$)/;
const HOST = /^(\S+) +/;
/** RFC 5424 section 6: VERSION TIMESTAMP HOSTNAME APP-NAME PROCID MSGID, then structured data. */
const RFC_5424 = /^1 (\S+) (\S{1,255}) (\S{1,48}) (\S{1,128}) (\S{1,32}) /;
const STRUCTURED_DATA = /^(?:-|(?:\[[^\s=\]"]{1,32}(?: [^\s=\]"]{1,32}="(?:[^"\\\]]|\\[\s\S])*")*\])+)(?: |$)/;

/**
 * RFC 3164 and RFC 5424, with or without the priority, and the file form of rsyslog (RFC 3339 time, host, tag).
 */
export function parseSyslogLine(text: string): ParsedLine | undefined {
  const priority = PRIORITY.exec(text);
  const value = priority === null ? undefined : Number(priority[1]);
  if (value !== undefined && value > PRIORITY_MAX) return undefined;
  const rest = priority === null ? text : text.slice(priority[0].length);
  const line = parseRfc5424(rest) ?? parseBsd(rest);
  if (line === undefined || value === undefined) return line;
  return {
    ...line,
    level: SEVERITY_LEVELS[value % 8],
    attributes: { ...line.attributes, facility: Math.floor(value / 8), severity: value % 8 },
  };
}

function parseRfc5424(text: string): ParsedLine | undefined {
  const head = RFC_5424.exec(text);
  if (head === null) return undefined;
  const [whole, stamp, host, app, process, messageId] = head;
  const iso = stamp === '-' ? undefined : parseIsoTime(stamp);
  if (stamp !== '-' && iso?.length !== stamp.length) return undefined;
  const afterHead = text.slice(whole.length);
  const data = STRUCTURED_DATA.exec(afterHead);
  if (data === null) return undefined;
  // RFC 5424 section 6.4: a message in UTF-8 may begin with a byte order mark.
  const message = afterHead.slice(data[0].length).replace(/^\ufeff/, '');
  const structuredData = data[0].trimEnd();
  return {
    message,
    time: iso?.time,
    source: orNil(app),
    attributes: { host: orNil(host), pid: orNil(process), messageId: orNil(messageId), structuredData: orNil(structuredData) },
  };
}

function orNil(field: string): string | undefined {
  return field === '-' ? undefined : field;
}

function parseBsd(text: string): ParsedLine | undefined {
  const stamp = parseBsdTime(text);
  if (stamp === undefined) return undefined;
  const rest = text.slice(stamp.length);
  const tagged = HOST_AND_TAG.exec(rest);
  if (tagged !== null) {
    const [whole, host, source, pid] = tagged;
    return { message: rest.slice(whole.length), time: stamp.time, source, attributes: { host, pid } };
  }
  // "last message repeated 2 times" and kernel lines of old systems carry no tag.
  const host = HOST.exec(rest);
  if (host === null) return undefined;
  return { message: rest.slice(host[0].length), time: stamp.time, attributes: { host: host[1] } };
}

function parseBsdTime(text: string): { time: LineTime; length: number } | undefined {
  const match = BSD_TIME.exec(text);
  if (match === null) {
    const iso = parseIsoTime(text);
    return iso !== undefined && text[10] !== ' ' && text[iso.length] === ' ' ? { time: iso.time, length: iso.length + 1 } : undefined;
  }
  const [whole, name, day, year, hour, minute, second, fraction = ''] = match;
  const month = parseMonth(name);
  if (month === undefined) return undefined;
  const time = { year: year === undefined ? undefined : +year, month, day: +day, hour: +hour, minute: +minute, second: +second, fraction };
  return isRealTime(time) ? { time, length: whole.length } : undefined;
}
