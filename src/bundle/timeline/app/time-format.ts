export type Zone = 'utc' | 'local';

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

export interface TimeParts {
  readonly year: number;
  readonly month: string;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  readonly ms: number;
}

function timeParts(ms: number, zone: Zone): TimeParts {
  // Reading the UTC fields of a shifted date is the one code path for both zones.
  const d = new Date(zone === 'utc' ? ms : ms - offsetMs(ms));
  return {
    year: d.getUTCFullYear(),
    month: MONTHS[d.getUTCMonth()] ?? '?',
    day: d.getUTCDate(),
    hour: d.getUTCHours(),
    minute: d.getUTCMinutes(),
    second: d.getUTCSeconds(),
    ms: d.getUTCMilliseconds(),
  };
}

/** What to subtract from an instant so that its UTC fields read as the zone's wall clock. */
export function offsetMs(ms: number): number {
  return new Date(ms).getTimezoneOffset() * 60_000;
}

const two = (n: number): string => String(n).padStart(2, '0');

/** "Dec 10, 09:12:13.123" */
export function formatStamp(ms: number, zone: Zone): string {
  if (Number.isNaN(ms)) return 'no readable time';
  const p = timeParts(ms, zone);
  return `${p.month} ${two(p.day)}, ${two(p.hour)}:${two(p.minute)}:${two(p.second)}.${String(p.ms).padStart(3, '0')}`;
}

/** "Dec 10, 09:12", with seconds only when the step needs them. */
export function formatMinute(ms: number, zone: Zone, stepMs = 60_000): string {
  const p = timeParts(ms, zone);
  const seconds = stepMs < 60_000 ? `:${two(p.second)}` : '';
  return `${p.month} ${p.day}, ${two(p.hour)}:${two(p.minute)}${seconds}`;
}

/** "09:12" for steps of less than a day, "Dec 10" otherwise. */
export function formatClock(ms: number, zone: Zone, stepMs: number): string {
  const p = timeParts(ms, zone);
  if (stepMs >= 86_400_000) return `${p.month} ${p.day}`;
  return `${two(p.hour)}:${two(p.minute)}${stepMs < 60_000 ? `:${two(p.second)}` : ''}`;
}

/** "Dec 10, 2024, 09:12:13", with milliseconds unless they are zero. */
export function formatFull(ms: number, zone: Zone): string {
  if (Number.isNaN(ms)) return 'no readable time';
  const p = timeParts(ms, zone);
  const fraction = p.ms === 0 ? '' : `.${String(p.ms).padStart(3, '0')}`;
  return `${p.month} ${p.day}, ${p.year}, ${two(p.hour)}:${two(p.minute)}:${two(p.second)}${fraction}`;
}

/** Axis label fit for the distance of ticks. */
export function formatTick(ms: number, zone: Zone, stepMs: number): string {
  const p = timeParts(ms, zone);
  if (stepMs >= 28 * 86_400_000) return `${p.month} ${p.year}`;
  if (stepMs >= 86_400_000) return `${p.month} ${p.day}`;
  if (stepMs < 1000) return `${two(p.hour)}:${two(p.minute)}:${two(p.second)}.${String(p.ms).padStart(3, '0')}`;
  if (stepMs < 60_000) return `${two(p.hour)}:${two(p.minute)}:${two(p.second)}`;
  if (p.hour === 0 && p.minute === 0) return `${p.month} ${p.day}`;
  return `${two(p.hour)}:${two(p.minute)}`;
}

const UNITS: readonly (readonly [number, string])[] = [
  [86_400_000, 'day'],
  [3_600_000, 'hour'],
  [60_000, 'minute'],
  [1000, 'second'],
  [1, 'millisecond'],
];

/** "4 hours 9 minutes": the two largest units. */
export function formatSpan(spanMs: number): string {
  const parts: string[] = [];
  let rest = Math.round(spanMs);
  for (const [unitMs, name] of UNITS) {
    const n = Math.floor(rest / unitMs);
    if (n > 0) parts.push(plural(n, name));
    rest -= n * unitMs;
    if (parts.length === 2 || (parts.length === 1 && n === 0)) break;
  }
  return parts.length === 0 ? '0 seconds' : parts.join(' ');
}

/** "one minute", "5 minutes" */
export function formatStep(stepMs: number): string {
  for (const [unitMs, name] of UNITS) {
    if (stepMs % unitMs === 0) return stepMs === unitMs ? `one ${name}` : plural(stepMs / unitMs, name);
  }
  return `${stepMs} milliseconds`;
}

export function plural(n: number, noun: string): string {
  return `${formatCount(n)} ${noun}${n === 1 ? '' : 's'}`;
}

const counts = new Intl.NumberFormat('en-US');

export function formatCount(n: number): string {
  return counts.format(n);
}

export function formatPercent(part: number, whole: number): string {
  const percent = whole === 0 ? 0 : (part / whole) * 100;
  return percent > 0 && percent < 1 ? '<1 %' : `${Math.round(percent)} %`;
}
