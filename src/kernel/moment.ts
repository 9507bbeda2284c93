const UNIT_MS: ReadonlyMap<string, number> = new Map([
  ['s', 1000],
  ['m', 60_000],
  ['h', 3_600_000],
  ['d', 86_400_000],
]);
const NS_PER_MS = 1_000_000n;

const AGO = /^(\d{1,9})([smhd])$/;
const STAMP = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d))?$/i;

/** "2026-01-02" (UTC), RFC 3339, or a time ago such as "90m", "24h", "7d" → ns since 1970; undefined when it is none of them. */
export function parseMoment(text: string, nowMs: number): bigint | undefined {
  const ago = AGO.exec(text);
  if (ago !== null) return BigInt(Math.trunc(nowMs - Number(ago[1]) * (UNIT_MS.get(ago[2]) ?? 0))) * NS_PER_MS;
  const stamp = STAMP.exec(text);
  if (stamp === null) return undefined;
  const [, date, clock = '00:00:00', fraction = '', zone = 'Z'] = stamp;
  const ms = Date.parse(`${date}T${clock}${zone.toUpperCase()}`);
  // Date.parse rolls 30 February over into March: such a day is refused.
  if (Number.isNaN(ms) || new Date(`${date}T00:00:00Z`).toISOString().slice(0, 10) !== date) return undefined;
  return BigInt(ms) * NS_PER_MS + BigInt(fraction.padEnd(9, '0'));
}

/** ns since 1970 → RFC 3339 in UTC with all nine digits. */
export function formatMoment(timeNs: bigint): string {
  const ms = timeNs / NS_PER_MS;
  const rest = String(timeNs % NS_PER_MS).padStart(6, '0');
  return `${new Date(Number(ms)).toISOString().slice(0, -1)}${rest}Z`;
}
