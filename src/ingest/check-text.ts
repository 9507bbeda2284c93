/** RFC 3339 section 5.6 date-time, with the leap second it allows. */
const DATE_TIME = /^(\d{4})-(\d\d)-(\d\d)[Tt]([01]\d|2[0-3]):[0-5]\d:(?:[0-5]\d|60)(?:\.\d+)?(?:[Zz]|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/;
/** A date-time has at least "2026-01-02T03:04:05Z" and no sane number of fraction digits beyond this. */
const DATE_TIME_BYTES_MIN = 20;
const DATE_TIME_BYTES_MAX = 64;
const MONTH_DAYS = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** True when text[at, end) is an RFC 3339 time of a day that exists. */
export function isDateTime(text: Uint8Array, at: number, end: number): boolean {
  if (end - at < DATE_TIME_BYTES_MIN || end - at > DATE_TIME_BYTES_MAX) return false;
  const match = DATE_TIME.exec(String.fromCharCode(...text.subarray(at, end)));
  if (match === null) return false;
  const [year, month, day] = [Number(match[1]), Number(match[2]), Number(match[3])];
  if (month < 1 || month > 12 || day < 1 || day > MONTH_DAYS[month - 1]) return false;
  return month !== 2 || day < 29 || (year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0));
}

/** What is wrong with a name (tenant, source, …) given as canonical JSON string content text[at, end), or undefined. */
export function nameFault(text: Uint8Array, at: number, end: number, charsMax: number): string | undefined {
  if (at === end) return 'must not be empty';
  let chars = 0;
  for (let i = at; i < end; i++) {
    const byte = text[i];
    if (byte === 0x5c) {
      i++;
      // Canonical escapes of anything but the quote and the backslash stand for control characters.
      if (text[i] !== 0x22 && text[i] !== 0x5c) return 'must not hold control characters';
    } else if (byte < 0x20 || byte === 0x7f || (byte === 0xc2 && text[i + 1] < 0xa0)) return 'must not hold control characters';
    if ((byte & 0xc0) !== 0x80) chars++;
  }
  return chars > charsMax ? `has ${chars} characters, at most ${charsMax} are allowed` : undefined;
}
