/** Flags of a scanned string. */
export const STRING_HAS_CONTROL = 1;
export const STRING_HAS_LONE_SURROGATE = 2;

const BACKSLASH = 0x5c;
const QUOTE = 0x22;

/** Short escapes: the byte after the backslash → the character it stands for; 0 = no such escape. */
const SHORT_ESCAPES = new Uint8Array(256);
/** The character → the byte after the backslash in canonical form (RFC 8785 section 3.2.2.2); 0 = not escaped that way. */
const CANONICAL_ESCAPES = new Uint8Array(256);
for (const [escape, char] of ['"', '\\', 'b\b', 'f\f', 'n\n', 'r\r', 't\t'].map((pair) => [
  pair.charCodeAt(0),
  pair.charCodeAt(pair.length - 1),
])) {
  SHORT_ESCAPES[escape] = char;
  CANONICAL_ESCAPES[char] = escape;
}
SHORT_ESCAPES[0x2f] = 0x2f;

const HEX_DIGITS = new TextEncoder().encode('0123456789abcdef');

/** What scanEscapedString found, valid until its next call. */
export const scannedString = { end: 0, flags: 0, arenaEnd: 0, failedBecause: '' };

/**
 * The slow path of a string: it holds an escape or a control character. Writes the canonical string, quotes included, to
 * `text` from `arenaAt`. `plainEnd` is the first byte that is not plain. Returns false at a syntax fault, `end` then being
 * where. `stopAt` is the sentinel's offset; `lineEnd` the byte no string may hold raw because it ends the line, or −1.
 * Control characters and lone surrogates are flagged, not stopped at, so that further faults of the event are found too.
 */
export function scanEscapedString(
  text: Uint8Array,
  from: number,
  plainEnd: number,
  arenaAt: number,
  stopAt: number,
  lineEnd: number,
): boolean {
  let out = arenaAt + (plainEnd - from);
  text.copyWithin(arenaAt, from, plainEnd);
  let at = plainEnd;
  scannedString.flags = 0;
  for (;;) {
    const byte = text[at];
    if (byte === QUOTE) break;
    if (byte === BACKSLASH) {
      const escaped = text[at + 1];
      if (escaped === 0x75) {
        const unit = readHexUnit(text, at + 2);
        if (unit < 0) return fail(at + 2 + (-1 - unit), 'expected four hex digits after "\\u"');
        at += 6;
        if (unit >= 0xd800 && unit <= 0xdfff) {
          const low = unit < 0xdc00 && text[at] === BACKSLASH && text[at + 1] === 0x75 ? readHexUnit(text, at + 2) : -1;
          if (low >= 0xdc00 && low <= 0xdfff) {
            out = writeAstral(text, out, 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00));
            at += 6;
          } else {
            scannedString.flags |= STRING_HAS_LONE_SURROGATE;
            out = writeEscapedUnit(text, out, unit);
          }
        } else out = writeUnit(text, out, unit);
      } else {
        const char = SHORT_ESCAPES[escaped];
        if (char === 0) return fail(at + 1, at + 1 >= stopAt || escaped === lineEnd ? 'the text ends inside a string' : 'no such escape');
        out = writeUnit(text, out, char);
        at += 2;
      }
    } else if (byte < 0x20) {
      if (at >= stopAt || byte === lineEnd) return fail(at, 'the text ends inside a string');
      scannedString.flags |= STRING_HAS_CONTROL;
      text[out++] = byte;
      at++;
    } else {
      text[out++] = byte;
      at++;
    }
  }
  text[out++] = QUOTE;
  scannedString.end = at + 1;
  scannedString.arenaEnd = out;
  return true;
}

function fail(at: number, because: string): false {
  scannedString.end = at;
  scannedString.failedBecause = because;
  return false;
}

/** Four hex digits as a code unit, or −1 − how many were good. */
function readHexUnit(text: Uint8Array, at: number): number {
  let unit = 0;
  for (let i = 0; i < 4; i++) {
    const byte = text[at + i];
    const letter = byte | 0x20;
    if (byte >= 0x30 && byte <= 0x39) unit = unit * 16 + byte - 0x30;
    else if (letter >= 0x61 && letter <= 0x66) unit = unit * 16 + letter - 0x57;
    else return -1 - i;
  }
  return unit;
}

/** A code unit that is no surrogate, as RFC 8785 writes it inside a string. */
function writeUnit(text: Uint8Array, out: number, unit: number): number {
  if (unit < 0x80) {
    const escape = CANONICAL_ESCAPES[unit];
    if (escape !== 0) {
      text[out] = BACKSLASH;
      text[out + 1] = escape;
      return out + 2;
    }
    if (unit < 0x20) return writeEscapedUnit(text, out, unit);
    text[out] = unit;
    return out + 1;
  }
  if (unit < 0x800) {
    text[out] = 0xc0 | (unit >> 6);
    text[out + 1] = 0x80 | (unit & 0x3f);
    return out + 2;
  }
  text[out] = 0xe0 | (unit >> 12);
  text[out + 1] = 0x80 | ((unit >> 6) & 0x3f);
  text[out + 2] = 0x80 | (unit & 0x3f);
  return out + 3;
}

function writeAstral(text: Uint8Array, out: number, codePoint: number): number {
  text[out] = 0xf0 | (codePoint >> 18);
  text[out + 1] = 0x80 | ((codePoint >> 12) & 0x3f);
  text[out + 2] = 0x80 | ((codePoint >> 6) & 0x3f);
  text[out + 3] = 0x80 | (codePoint & 0x3f);
  return out + 4;
}

function writeEscapedUnit(text: Uint8Array, out: number, unit: number): number {
  text[out] = BACKSLASH;
  text[out + 1] = 0x75;
  for (let i = 0; i < 4; i++) text[out + 2 + i] = HEX_DIGITS[(unit >> (12 - 4 * i)) & 15];
  return out + 6;
}
