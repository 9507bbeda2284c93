import { SETTINGS, type Setting } from './settings.ts';

/** How long entries are kept: whole segments go from the front once they are older than that, or are more than that together. */
export type RetentionConfig =
  { readonly kind: 'off' } | { readonly kind: 'age'; readonly days: number } | { readonly kind: 'bytes'; readonly bytesMax: number };

/** A hundred years, or an exabyte: more is a slip of the finger. */
const DAYS_MAX = 36_500;
const GIGABYTES_MAX = 1_000_000_000;
const BYTES_PER_GIGABYTE = 1e9;

/** PROOFS_RETAIN: `off`, `30d`, `100GB`. */
export function parseRetentionConfig(value: (setting: Setting) => string | undefined, faults: string[]): RetentionConfig {
  const text = value(SETTINGS.retain) ?? SETTINGS.retain.fallback;
  if (text === 'off') return { kind: 'off' };
  const [, number, unit] = /^([1-9]\d{0,9})(d|GB)$/.exec(text) ?? [];
  if (unit === 'd' && Number(number) <= DAYS_MAX) return { kind: 'age', days: Number(number) };
  if (unit === 'GB' && Number(number) <= GIGABYTES_MAX) return { kind: 'bytes', bytesMax: Number(number) * BYTES_PER_GIGABYTE };
  faults.push(`${SETTINGS.retain.env}="${text}" is neither off, nor days such as 30d, nor gigabytes such as 100GB`);
  return { kind: 'off' };
}
