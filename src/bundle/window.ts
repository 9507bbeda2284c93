import { BundleError } from './bundle-error.ts';

/** from ≤ server time < to, nanoseconds since 1970. */
export interface TimeWindow {
  readonly fromNs: bigint;
  readonly toNs: bigint;
}

/** As it comes in a query or on a command line. */
export interface WindowQuery {
  /** `24h`, `90m`, `7d`, or `A to B`. */
  readonly window?: string | undefined;
  readonly from?: string | undefined;
  readonly to?: string | undefined;
}

const NS_PER_MS = 1_000_000n;
const UNIT_MS: ReadonlyMap<string, number> = new Map([
  ['s', 1000],
  ['m', 60_000],
  ['h', 3_600_000],
  ['d', 86_400_000],
]);
/** A century: what is longer is a slip of the keyboard. */
const DURATION_MS_MAX = 100 * 366 * 86_400_000;
/** Leaf times are u64 nanoseconds. */
const TIME_NS_MAX = 2n ** 64n - 1n;

const DURATION = /^([1-9]\d{0,9})([smhd])$/;
const RFC_3339 = /^(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?:[Zz]|([+-])(\d\d):(\d\d))$/;

/**
 * Query → closed range, or throws BundleError `bad-window` with every fault. A duration ends with the running millisecond, so
 * that everything acknowledged before the question was asked lies inside.
 */
export function parseWindow(query: WindowQuery, nowMs: number): TimeWindow {
  const { window, from, to } = query;
  const faults: string[] = [];
  if (window !== undefined && (from !== undefined || to !== undefined)) faults.push('give "window", or "from" and "to", not both');
  else if (window === undefined && from === undefined && to === undefined)
    faults.push('no window is given: "24h", "A to B", or "from" and "to"');
  else if (window === undefined) {
    if (from === undefined) faults.push('"from" is missing');
    if (to === undefined) faults.push('"to" is missing');
  }
  const range = window === undefined ? parseRange(from, to, faults) : parseText(window, nowMs, faults);
  if (range !== undefined && range.fromNs >= range.toNs) faults.push('the window ends before it begins');
  if (range === undefined || faults.length > 0) throw new BundleError('bad-window', faults.join('; '));
  return range;
}

function parseText(text: string, nowMs: number, faults: string[]): TimeWindow | undefined {
  const ends = /^\s*(\S.*?)\s+to\s+(\S.*?)\s*$/.exec(text);
  if (ends !== null) return parseRange(ends[1], ends[2], faults);
  const match = DURATION.exec(text.trim());
  const durationMs = match === null ? Number.NaN : Number(match[1]) * (UNIT_MS.get(match[2]) ?? Number.NaN);
  if (!(durationMs <= DURATION_MS_MAX)) {
    faults.push(`the window "${text}" is neither a duration like "24h", "90m" or "7d" nor "RFC 3339 to RFC 3339"`);
    return undefined;
  }
  const endMs = Math.floor(nowMs) + 1;
  return { fromNs: BigInt(Math.max(0, endMs - durationMs)) * NS_PER_MS, toNs: BigInt(endMs) * NS_PER_MS };
}

function parseRange(from: string | undefined, to: string | undefined, faults: string[]): TimeWindow | undefined {
  const [fromNs, toNs] = [parseTime('from', from, faults), parseTime('to', to, faults)];
  return fromNs === undefined || toNs === undefined ? undefined : { fromNs, toNs };
}

/** RFC 3339 section 5.6. A leap second has no place on the ledger's clock and is refused like any other second 60. */
function parseTime(name: string, text: string | undefined, faults: string[]): bigint | undefined {
  if (text === undefined) return undefined;
  const match = RFC_3339.exec(text);
  const timeNs = match === null ? undefined : toNs(match);
  if (timeNs === undefined) {
    // A "+" that was not escaped arrives as a space.
    const hint = / \d\d:\d\d$/.test(text) ? '; in an address write "+" as "%2B"' : '';
    faults.push(`"${name}" is "${text}", not a time like 2026-01-02T03:04:05Z${hint}`);
  } else if (timeNs < 0n || timeNs > TIME_NS_MAX) {
    faults.push(`"${name}" is "${text}", outside of the years that a ledger can hold (1970 to 2554)`);
    return undefined;
  }
  return timeNs;
}

function toNs(match: RegExpExecArray): bigint | undefined {
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map(Number);
  const [offsetHour, offsetMinute] = [Number(match[9] ?? 0), Number(match[10] ?? 0)];
  if (hour > 23 || minute > 59 || second > 59 || offsetHour > 23 || offsetMinute > 59) return undefined;
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return undefined;
  const ms = date.getTime() + ((hour * 60 + minute) * 60 + second) * 1000;
  const offsetMs = (offsetHour * 60 + offsetMinute) * 60_000 * (match[8] === '-' ? -1 : 1);
  return BigInt(ms - offsetMs) * NS_PER_MS + BigInt((match[7] ?? '').padEnd(9, '0'));
}
