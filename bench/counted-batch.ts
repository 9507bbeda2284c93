const COUNTER_CHAR = '#'.charCodeAt(0);
const MICROS_CHAR = '@'.charCodeAt(0);
const ZERO = '0'.charCodeAt(0);

/**
 * A body of many entries whose bytes are made once and whose counters and times are written anew before each send: no two entries are
 * the same (a store could recognise repeats), and the generator takes microseconds of the cores it shares with what it measures.
 * In the text a run of `#` becomes the entry's counter and a run of `@` the microseconds since 1970.
 */
export class CountedBatch {
  readonly bytes: Buffer;
  readonly entries: number;
  readonly #counters: readonly Place[];
  readonly #times: readonly Place[];

  constructor(entries: readonly string[]) {
    this.entries = entries.length;
    this.bytes = Buffer.from(entries.join(''), 'latin1');
    this.#counters = placesOf(this.bytes, COUNTER_CHAR);
    this.#times = placesOf(this.bytes, MICROS_CHAR);
    if (this.#counters.length !== entries.length) throw new Error('each entry has one counter');
  }

  /** Counts on from `first`; the batch must not be in use by a socket. */
  renew(first: number): void {
    for (const [index, place] of this.#counters.entries()) writeDigits(this.bytes, place, first + index);
    const nowMicros = Date.now() * 1000;
    for (const place of this.#times) writeDigits(this.bytes, place, nowMicros);
  }
}

interface Place {
  readonly at: number;
  readonly digits: number;
}

function placesOf(bytes: Buffer, char: number): Place[] {
  const places: Place[] = [];
  for (let at = bytes.indexOf(char); at >= 0; at = bytes.indexOf(char, at)) {
    const start = at;
    while (bytes[at] === char) at++;
    places.push({ at: start, digits: at - start });
  }
  return places;
}

function writeDigits(bytes: Buffer, { at, digits }: Place, value: number): void {
  let rest = value;
  for (let i = at + digits - 1; i >= at; i--) {
    bytes[i] = ZERO + (rest % 10);
    rest = Math.floor(rest / 10);
  }
}
