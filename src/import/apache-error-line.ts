import type { Level } from '../kernel/levels.ts';
import { isRealTime, parseMonth, type ParsedLine } from './parsed-line.ts';

/** Apache HTTP Server 2.4, directive LogLevel; trace1 to trace8 are handled by their common stem. */
const LEVELS: ReadonlyMap<string, Level> = new Map([
  ['emerg', 'fatal'],
  ['alert', 'fatal'],
  ['crit', 'fatal'],
  ['error', 'error'],
  ['warn', 'warn'],
  ['notice', 'info'],
  ['info', 'info'],
  ['debug', 'debug'],
  ['trace', 'trace'],
]);

/** [Sun Dec 04 04:47:44.123456 2005] */
const TIME = /^\[[A-Z][a-z]{2} ([A-Z][a-z]{2}) {1,2}(\d{1,2}) (\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))? (\d{4})\] ?/;
/** [error] of 2.2, [core:error] of 2.4 */
const LEVEL = /^\[(?:([^\]:\s]{0,64}):)?(emerg|alert|crit|error|warn|notice|info|debug|trace)[1-8]?\] ?/;
const PROCESS = /^\[pid (\d{1,10})(?::tid (\d{1,20}))?\] ?/;
const CLIENT = /^\[client ([^\]]{1,255})\] ?/;

/** Error log of Apache 2.2 ("[time] [level] text") and 2.4 ("[time] [module:level] [pid 1:tid 2] [client address] text"). */
export function parseApacheErrorLine(text: string): ParsedLine | undefined {
  const stamp = TIME.exec(text);
  if (stamp === null) return undefined;
  const [, name, day, hour, minute, second, fraction = '', year] = stamp;
  const month = parseMonth(name);
  if (month === undefined) return undefined;
  const time = { year: +year, month, day: +day, hour: +hour, minute: +minute, second: +second, fraction };
  if (!isRealTime(time)) return undefined;

  let rest = text.slice(stamp[0].length);
  const take = (pattern: RegExp): RegExpExecArray | undefined => {
    const match = pattern.exec(rest) ?? undefined;
    if (match !== undefined) rest = rest.slice(match[0].length);
    return match;
  };
  const level = take(LEVEL);
  const process = take(PROCESS);
  const client = take(CLIENT);
  return {
    message: rest,
    time,
    level: level === undefined ? undefined : LEVELS.get(level[2]),
    source: 'apache',
    attributes: { module: level?.[1] === '' ? undefined : level?.[1], pid: process?.[1], tid: process?.[2], client: client?.[1] },
  };
}
