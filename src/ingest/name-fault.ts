/** What is wrong with a name (tenant, source, …) given as canonical JSON string content text[at, end), or undefined. */
export function nameFault(text: Uint8Array, at: number, end: number, charsMax: number): string | undefined {
  if (at === end) return 'must not be empty';
  let chars = 0;
  for (let i = at; i < end; i++) {
    const byte = text[i];
    if (byte === 0x5c) {
      i++;
      // Canonical escapes stand for the quote, the backslash and controls; half a surrogate pair (\ud…) has been told already.
      if (text[i] === 0x75 && text[i + 1] === 0x64) i += 4;
      else if (text[i] !== 0x22 && text[i] !== 0x5c) return 'must not hold control characters';
    } else if (byte < 0x20 || byte === 0x7f || (byte === 0xc2 && text[i + 1] < 0xa0)) return 'must not hold control characters';
    if ((byte & 0xc0) !== 0x80) chars++;
  }
  return chars > charsMax ? `has ${chars} characters, at most ${charsMax} are allowed` : undefined;
}
