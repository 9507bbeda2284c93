/** First and last byte, both inclusive. */
export interface ByteRange {
  readonly first: number;
  readonly last: number;
}

const SINGLE = /^bytes=[ \t]*(?:(\d{1,16})-(\d{0,16})|-(\d{1,16}))[ \t]*$/i;

/**
 * RFC 9110, section 14.2, for a content of `bytes`. Undefined: answer everything, which is right for other units, several ranges and
 * what cannot be read. `unsatisfiable`: nothing of it is there (416).
 */
export function parseRange(header: string | undefined, bytes: number): ByteRange | 'unsatisfiable' | undefined {
  const match = SINGLE.exec(header ?? '');
  if (match === null) return undefined;
  const [, from, to, suffix] = match;
  if (suffix !== undefined) {
    const length = Math.min(Number(suffix), bytes);
    return length === 0 ? 'unsatisfiable' : { first: bytes - length, last: bytes - 1 };
  }
  const first = Number(from);
  const last = to === '' ? bytes - 1 : Math.min(Number(to), bytes - 1);
  if (to !== '' && Number(to) < first) return undefined;
  return first >= bytes ? 'unsatisfiable' : { first, last };
}
