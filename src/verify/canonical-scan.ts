import { isUtf8 } from 'node:buffer';

/** Producers may nest 32 deep; twice that leaves room for our own records and keeps hostile input off the stack. */
const DEPTH_MAX = 64;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const SHORT_ESCAPES = new Set(Array.from('"\\bfnrt', (c) => c.charCodeAt(0)));
/** Control characters that have a short form and may not be written as \u00xx: \b \t \n \f \r. */
const HAS_SHORT_FORM = new Set([0x08, 0x09, 0x0a, 0x0c, 0x0d]);

/**
 * Checks that bytes are canonical JSON as docs/formats/ledger.md wants it: keys ascending by UTF-16 code units, no white space,
 * one spelling per string. Number tokens may be any of JSON's. One pass, nothing allocated on the way.
 */
export class CanonicalScan {
  protected bytes: Uint8Array = new Uint8Array(0);
  protected end = 0;
  #isAscii = true;
  #fault = '';
  #faultAt = 0;

  /** What is wrong, with its offset from the start of the text; undefined when nothing is. */
  fault(from: number): string | undefined {
    return this.#fault === '' ? undefined : `${this.#fault} at byte ${this.#faultAt - from} of the payload`;
  }

  /** True when bytes[from, end) is exactly one canonical value. */
  isCanonical(bytes: Uint8Array, from: number, end: number): boolean {
    this.begin(bytes, end);
    return this.finish(from, this.value(from, 0));
  }

  protected begin(bytes: Uint8Array, end: number): void {
    this.bytes = bytes;
    this.end = end;
    this.#isAscii = true;
    this.#fault = '';
  }

  protected finish(from: number, at: number): boolean {
    if (at < 0) return false;
    if (at !== this.end) return this.reject('something after the value', at);
    return this.#isAscii || isUtf8(this.bytes.subarray(from, this.end)) || this.reject('malformed UTF-8', from);
  }

  /** Notes the fault; answers −1, the position that means "stop". */
  protected fail(fault: string, at: number): -1 {
    this.#fault = fault;
    this.#faultAt = at;
    return -1;
  }

  protected reject(fault: string, at: number): false {
    this.fail(fault, at);
    return false;
  }

  /** Every scanning method takes the position of its first byte and answers the one after its last, or −1. */
  protected value(at: number, depth: number): number {
    if (at >= this.end) return this.fail('the value is missing', at);
    const byte = this.bytes[at];
    if (byte === QUOTE) return this.string(at);
    if (byte === 0x7b) return this.object(at, depth + 1);
    if (byte === 0x5b) return this.#array(at, depth + 1);
    if (byte === 0x2d || (byte >= 0x30 && byte <= 0x39)) return this.#number(at);
    if (byte === 0x74) return this.#literal(at, 'true');
    if (byte === 0x66) return this.#literal(at, 'false');
    if (byte === 0x6e) return this.#literal(at, 'null');
    return this.fail('no JSON value', at);
  }

  protected string(at: number): number {
    const { bytes, end } = this;
    if (at >= end || bytes[at] !== QUOTE) return this.fail('no string', at);
    for (let i = at + 1; i < end; i++) {
      const byte = bytes[i];
      if (byte === QUOTE) return i + 1;
      if (byte === BACKSLASH) {
        const next = this.#escape(i);
        if (next < 0) return -1;
        i = next - 1;
      } else if (byte < 0x20) return this.fail('a raw control character', i);
      else if (byte >= 0x80) this.#isAscii = false;
    }
    return this.fail('an unfinished string', at);
  }

  protected object(at: number, depth: number): number {
    if (depth > DEPTH_MAX) return this.fail('nested too deep', at);
    if (this.bytes[at + 1] === 0x7d && at + 1 < this.end) return at + 2;
    let previousFrom = -1;
    let previousEnd = -1;
    for (let i = at + 1; ; i++) {
      const keyEnd = this.string(i);
      if (keyEnd < 0) return -1;
      if (previousFrom >= 0 && !this.isAfter(previousFrom, previousEnd, i, keyEnd)) return this.fail('keys out of order or twice', i);
      [previousFrom, previousEnd] = [i, keyEnd];
      i = this.member(keyEnd, depth);
      if (i < 0) return -1;
      if (this.bytes[i] === 0x7d && i < this.end) return i + 1;
      if (this.bytes[i] !== 0x2c || i >= this.end) return this.fail('neither "," nor "}"', i);
    }
  }

  /** Colon and value of a key that ends at `at`. */
  protected member(at: number, depth: number): number {
    return at < this.end && this.bytes[at] === 0x3a ? this.value(at + 1, depth) : this.fail('no ":"', at);
  }

  /** Is the second key (with its quotes) greater by UTF-16 code units? */
  protected isAfter(aFrom: number, aEnd: number, bFrom: number, bEnd: number): boolean {
    const { bytes } = this;
    const length = Math.min(aEnd - aFrom, bEnd - bFrom) - 1;
    for (let i = 1; i < length; i++) {
      const [a, b] = [bytes[aFrom + i], bytes[bFrom + i]];
      // Plain ASCII decides at its first difference; escapes and longer sequences order differently as bytes and as code units.
      if (a >= 0x80 || b >= 0x80 || a === BACKSLASH || b === BACKSLASH) return this.#key(aFrom, aEnd) < this.#key(bFrom, bEnd);
      if (a !== b) return a < b;
    }
    return aEnd - aFrom < bEnd - bFrom;
  }

  #key(from: number, end: number): string {
    return JSON.parse(Buffer.from(this.bytes.subarray(from, end)).toString()) as string;
  }

  #array(at: number, depth: number): number {
    if (depth > DEPTH_MAX) return this.fail('nested too deep', at);
    if (this.bytes[at + 1] === 0x5d && at + 1 < this.end) return at + 2;
    for (let i = at + 1; ; i++) {
      i = this.value(i, depth);
      if (i < 0) return -1;
      if (this.bytes[i] === 0x5d && i < this.end) return i + 1;
      if (this.bytes[i] !== 0x2c || i >= this.end) return this.fail('neither "," nor "]"', i);
    }
  }

  #escape(at: number): number {
    const { bytes } = this;
    if (at + 1 < this.end && SHORT_ESCAPES.has(bytes[at + 1])) return at + 2;
    const text = at + 6 <= this.end ? String.fromCharCode(...bytes.subarray(at + 1, at + 6)) : '';
    const isLowest = /^u00[01][0-9a-f]$/.test(text) && !HAS_SHORT_FORM.has(Number.parseInt(text.slice(1), 16));
    return isLowest ? at + 6 : this.fail('an escape that canonical JSON does not use', at);
  }

  #number(at: number): number {
    const { bytes, end } = this;
    let i = bytes[at] === 0x2d ? at + 1 : at;
    const first = i;
    i = this.#digits(i);
    if (i === first || (bytes[first] === 0x30 && i > first + 1)) return this.fail('no JSON number', at);
    if (i < end && bytes[i] === 0x2e) {
      const fraction = i + 1;
      i = this.#digits(fraction);
      if (i === fraction) return this.fail('no JSON number', at);
    }
    if (i < end && (bytes[i] | 0x20) === 0x65) {
      const sign = i + 1 < end && (bytes[i + 1] === 0x2b || bytes[i + 1] === 0x2d) ? 1 : 0;
      const exponent = i + 1 + sign;
      i = this.#digits(exponent);
      if (i === exponent) return this.fail('no JSON number', at);
    }
    return i;
  }

  #digits(at: number): number {
    let i = at;
    while (i < this.end && this.bytes[i] >= 0x30 && this.bytes[i] <= 0x39) i++;
    return i;
  }

  #literal(at: number, word: string): number {
    if (at + word.length > this.end) return this.fail('no JSON value', at);
    for (let i = 0; i < word.length; i++) if (this.bytes[at + i] !== word.charCodeAt(i)) return this.fail('no JSON value', at);
    return at + word.length;
  }
}
