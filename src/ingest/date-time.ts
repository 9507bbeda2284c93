const MONTH_DAYS = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
/** A date-time has at least "2026-01-02T03:04:05Z" and no sane number of fraction digits beyond this. */
const DATE_TIME_BYTES_MIN = 20;
const DATE_TIME_BYTES_MAX = 64;

/** True when text[at, end) is an RFC 3339 date-time (section 5.6) with a zone, of a day that exists; second 60 is a leap second. */
export function isDateTime(text: Uint8Array, at: number, end: number): boolean {
  if (end - at < DATE_TIME_BYTES_MIN || end - at > DATE_TIME_BYTES_MAX) return false;
  if (text[at + 4] !== 0x2d || text[at + 7] !== 0x2d || (text[at + 10] | 0x20) !== 0x74) return false;
  if (text[at + 13] !== 0x3a || text[at + 16] !== 0x3a) return false;
  const century = twoDigits(text, at);
  const yearOfCentury = twoDigits(text, at + 2);
  const month = twoDigits(text, at + 5);
  if (century < 0 || yearOfCentury < 0 || !isDay(century * 100 + yearOfCentury, month, twoDigits(text, at + 8))) return false;
  if (!isUpTo(twoDigits(text, at + 11), 23) || !isUpTo(twoDigits(text, at + 14), 59) || !isUpTo(twoDigits(text, at + 17), 60)) return false;
  let zoneAt = at + 19;
  if (text[zoneAt] === 0x2e) {
    zoneAt++;
    while (zoneAt < end && text[zoneAt] >= 0x30 && text[zoneAt] <= 0x39) zoneAt++;
    if (zoneAt === at + 20) return false;
  }
  return isZone(text, zoneAt, end);
}

function isZone(text: Uint8Array, at: number, end: number): boolean {
  if (end - at === 1) return (text[at] | 0x20) === 0x7a;
  if (end - at !== 6 || (text[at] !== 0x2b && text[at] !== 0x2d) || text[at + 3] !== 0x3a) return false;
  return isUpTo(twoDigits(text, at + 1), 23) && isUpTo(twoDigits(text, at + 4), 59);
}

function isDay(year: number, month: number, day: number): boolean {
  if (month < 1 || month > 12 || day < 1 || day > MONTH_DAYS[month - 1]) return false;
  return month !== 2 || day < 29 || (year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0));
}

function isUpTo(value: number, most: number): boolean {
  return value >= 0 && value <= most;
}

/** Two decimal digits as a number, or −1. */
function twoDigits(text: Uint8Array, at: number): number {
  const tens = text[at] - 0x30;
  const ones = text[at + 1] - 0x30;
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : -1;
}
