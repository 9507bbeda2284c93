/** A JSON number (RFC 8259 section 6) from `at`: the offset past it, or −1 − the offset of the first byte that cannot belong to one. */
export function scanNumber(text: Uint8Array, at: number): number {
  if (text[at] === 0x2d) at++;
  if (text[at] === 0x30) at++;
  else {
    const end = skipDigits(text, at);
    if (end === at) return -1 - at;
    at = end;
  }
  if (text[at] === 0x2e) {
    const end = skipDigits(text, at + 1);
    if (end === at + 1) return -1 - end;
    at = end;
  }
  if ((text[at] | 0x20) === 0x65) {
    at++;
    if (text[at] === 0x2b || text[at] === 0x2d) at++;
    const end = skipDigits(text, at);
    if (end === at) return -1 - at;
    at = end;
  }
  return at;
}

function skipDigits(text: Uint8Array, at: number): number {
  while (text[at] >= 0x30 && text[at] <= 0x39) at++;
  return at;
}
