/**
 * Offset of the first byte in bytes[from, to) that begins no well-formed UTF-8 sequence (Unicode 16, table 3-7), or −1. Byte by
 * byte: only for bodies that isUtf8 has refused already.
 */
export function findBadUtf8(bytes: Uint8Array, from: number, to: number): number {
  let at = from;
  while (at < to) {
    const width = sequenceWidth(bytes, at, to);
    if (width === 0) return at;
    at += width;
  }
  return -1;
}

/** Bytes of the well-formed sequence at `at`; 0 when there is none. */
function sequenceWidth(bytes: Uint8Array, at: number, to: number): number {
  const lead = bytes[at];
  if (lead < 0x80) return 1;
  if (lead < 0xc2 || lead > 0xf4) return 0;
  const width = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  if (at + width > to) return 0;
  // Overlong forms, surrogates and code points past U+10FFFF show in the second byte.
  const least = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80;
  const most = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf;
  if (bytes[at + 1] < least || bytes[at + 1] > most) return 0;
  for (let i = 2; i < width; i++) if ((bytes[at + i] & 0xc0) !== 0x80) return 0;
  return width;
}
