import {
  CHILDREN,
  CHILDREN_AT,
  KEY_AT,
  KEY_END,
  KIND,
  KIND_ARRAY,
  KIND_LITERAL,
  KIND_NUMBER,
  KIND_OBJECT,
  KIND_STRING,
  NODE_INTS,
  NONE,
  PARENT,
  VALUE_AT,
  VALUE_END,
  type JsonTape,
} from './json-tape.ts';
import { DEPTH_MAX, VALUES_MAX } from './limits.ts';
import { compareKeys, sortMembers } from './member-order.ts';
import { scanEscapedString, scannedString, STRING_HAS_CONTROL, STRING_HAS_LONE_SURROGATE } from './scan-string.ts';
import { scanNumber } from './scan-number.ts';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const LF = 0x0a;

/** "__proto__": JavaScript readers of the stored event could be led astray by such a key. */
const PROTO = new TextEncoder().encode('__proto__');

/** Thrown at a syntax fault; caught by whoever frames the events. `at` is the offset in the tape's text. */
export class SyntaxFault extends Error {
  readonly at: number;

  constructor(at: number, reason: string) {
    super(reason);
    this.at = at;
  }
}

/** Thrown where an event nests too deep or holds too many values: what follows is not looked at. */
export class BoundFault extends Error {
  readonly node: number;

  constructor(node: number, reason: string) {
    super(reason);
    this.node = node;
  }
}

/** Told of faults that do not keep the rest of the event from being read. */
export type ValueFault = (node: number, reason: string) => void;

/**
 * Scans one JSON value (RFC 8259) from the tape's text onto its nodes, validating everything on the way. Objects come out with their
 * members sorted by key. One pass, no strings and no objects made.
 */
export class ValueScanner {
  readonly #tape: JsonTape;
  readonly #onFault: ValueFault;
  /** Children of the objects and arrays that are open. */
  readonly #open = new Int32Array(VALUES_MAX);
  #openEnd = 0;
  #at = 0;
  #stop = 0;
  /** LF when a line feed ends the text (NDJSON), otherwise −1: then it is white space. */
  #lineEnd = -1;

  constructor(tape: JsonTape, onFault: ValueFault) {
    this.#tape = tape;
    this.#onFault = onFault;
  }

  /** Just past the value, and past the white space behind it. */
  get at(): number {
    return this.#at;
  }

  /** Where the next scan begins; the byte at `stop` must be a control character. */
  begin(at: number, stop: number, isLine: boolean): void {
    this.#at = at;
    this.#stop = stop;
    this.#lineEnd = isLine ? LF : -1;
    this.#openEnd = 0;
  }

  skipSpace(): number {
    const { text } = this.#tape;
    let at = this.#at;
    for (;;) {
      const byte = text[at];
      if (byte > 0x20 || (byte !== 0x20 && byte !== 0x09 && byte !== 0x0d && (byte !== LF || this.#lineEnd === LF))) break;
      at++;
    }
    this.#at = at;
    return at < this.#stop ? text[at] : -1;
  }

  /** Takes one expected byte; false when another stands there. */
  take(byte: number): boolean {
    if (this.#at >= this.#stop || this.#tape.text[this.#at] !== byte) return false;
    this.#at++;
    return true;
  }

  fail(reason: string): never {
    throw new SyntaxFault(this.#at, this.#at >= this.#stop ? 'the text ends too early' : reason);
  }

  /** Scans a value into a new node; `depth` counts the objects and arrays around it. */
  scan(parent: number, keyAt: number, keyEnd: number, depth: number): number {
    const { nodes, text } = this.#tape;
    const node = this.#tape.nodesEnd;
    if (node >= VALUES_MAX * NODE_INTS) throw new BoundFault(NONE, `more than ${VALUES_MAX} values`);
    this.#tape.nodesEnd = node + NODE_INTS;
    nodes[node + KEY_AT] = keyAt;
    nodes[node + KEY_END] = keyEnd;
    nodes[node + PARENT] = parent;
    nodes[node + CHILDREN] = 0;
    const first = this.skipSpace();
    nodes[node + VALUE_AT] = this.#at;
    if (first === QUOTE) this.#scanStringValue(node);
    else if (first === 0x7b || first === 0x5b) {
      if (depth >= DEPTH_MAX) throw new BoundFault(node, `nested deeper than ${DEPTH_MAX} levels`);
      if (first === 0x7b) this.#scanObject(node, depth + 1);
      else this.#scanArray(node, depth + 1);
      nodes[node + VALUE_END] = this.#at;
    } else if (first === 0x2d || (first >= 0x30 && first <= 0x39)) {
      const end = scanNumber(text, this.#at);
      if (end < 0) {
        this.#at = -1 - end;
        this.fail('expected a digit');
      }
      this.#at = end;
      nodes[node + KIND] = KIND_NUMBER;
      nodes[node + VALUE_END] = end;
    } else this.#scanLiteral(node, first);
    return node;
  }

  #scanLiteral(node: number, first: number): void {
    const { text, nodes } = this.#tape;
    const word = first === 0x74 ? 'true' : first === 0x66 ? 'false' : first === 0x6e ? 'null' : undefined;
    if (word === undefined) this.fail('expected a value');
    for (let i = 0; i < word.length; i++) {
      if (text[this.#at] !== word.charCodeAt(i)) this.fail(`expected "${word}"`);
      this.#at++;
    }
    nodes[node + KIND] = KIND_LITERAL;
    nodes[node + VALUE_END] = this.#at;
  }

  #scanStringValue(node: number): void {
    const { nodes } = this.#tape;
    nodes[node + KIND] = KIND_STRING;
    const flags = this.#scanString();
    nodes[node + VALUE_AT] = this.#stringAt;
    nodes[node + VALUE_END] = this.#stringEnd;
    if (flags !== 0) this.#faultString(node, flags);
  }

  /** Canonical text of the last string, quotes included. */
  #stringAt = 0;
  #stringEnd = 0;

  #scanString(): number {
    const { text } = this.#tape;
    const from = this.#at;
    let at = from + 1;
    let byte = text[at];
    while (byte >= 0x20 && byte !== QUOTE && byte !== BACKSLASH) byte = text[++at];
    if (byte === QUOTE) {
      this.#stringAt = from;
      this.#stringEnd = this.#at = at + 1;
      return 0;
    }
    const arenaAt = this.#tape.arenaEnd;
    if (!scanEscapedString(text, from, at, arenaAt, this.#stop, this.#lineEnd)) {
      this.#at = scannedString.end;
      throw new SyntaxFault(this.#at, scannedString.failedBecause);
    }
    if (scannedString.end > this.#stop) throw new SyntaxFault(this.#stop, 'the text ends inside a string');
    this.#at = scannedString.end;
    this.#stringAt = arenaAt;
    this.#stringEnd = this.#tape.arenaEnd = scannedString.arenaEnd;
    return scannedString.flags;
  }

  #faultString(node: number, flags: number): void {
    if ((flags & STRING_HAS_CONTROL) !== 0) this.#onFault(node, 'holds a raw control character; write it as \\u escape');
    else if ((flags & STRING_HAS_LONE_SURROGATE) !== 0) this.#onFault(node, 'holds half a surrogate pair');
  }

  #scanObject(node: number, depth: number): void {
    const { nodes } = this.#tape;
    nodes[node + KIND] = KIND_OBJECT;
    const base = this.#openEnd;
    this.#at++;
    if (this.skipSpace() === 0x7d) this.#at++;
    else
      for (;;) {
        if (this.skipSpace() !== QUOTE) this.fail('expected a key in quotes');
        const flags = this.#scanString();
        const keyAt = this.#stringAt + 1;
        const keyEnd = this.#stringEnd - 1;
        this.skipSpace();
        if (!this.take(0x3a)) this.fail('expected ":"');
        const child = this.scan(node, keyAt, keyEnd, depth);
        if (flags !== 0) this.#faultString(child, flags);
        if (keyEnd - keyAt === PROTO.length && isProto(this.#tape.text, keyAt)) this.#onFault(child, 'the key "__proto__" is not allowed');
        this.#open[this.#openEnd++] = child;
        const next = this.skipSpace();
        if (next !== 0x2c && next !== 0x7d) this.fail('expected "," or "}"');
        this.#at++;
        if (next === 0x7d) break;
      }
    this.#closeList(node, base);
    this.#checkKeys(node);
  }

  #scanArray(node: number, depth: number): void {
    const { nodes } = this.#tape;
    nodes[node + KIND] = KIND_ARRAY;
    const base = this.#openEnd;
    this.#at++;
    if (this.skipSpace() === 0x5d) this.#at++;
    else
      for (let index = 0; ; index++) {
        this.#open[this.#openEnd++] = this.scan(node, -1 - index, 0, depth);
        const next = this.skipSpace();
        if (next !== 0x2c && next !== 0x5d) this.fail('expected "," or "]"');
        this.#at++;
        if (next === 0x5d) break;
      }
    this.#closeList(node, base);
  }

  #closeList(node: number, base: number): void {
    const { nodes, lists } = this.#tape;
    const count = this.#openEnd - base;
    const at = this.#tape.listsEnd;
    nodes[node + CHILDREN_AT] = at;
    nodes[node + CHILDREN] = count;
    for (let i = 0; i < count; i++) lists[at + i] = this.#open[base + i];
    this.#tape.listsEnd = at + count;
    this.#openEnd = base;
  }

  #checkKeys(node: number): void {
    const { nodes, lists } = this.#tape;
    const from = nodes[node + CHILDREN_AT];
    const count = nodes[node + CHILDREN];
    if (count < 2 || !sortMembers(this.#tape, lists, from, count)) return;
    for (let i = from + 1; i < from + count; i++) {
      if (compareKeys(this.#tape, lists[i - 1], lists[i]) === 0) this.#onFault(lists[i], 'the key stands here twice');
    }
  }
}

function isProto(text: Uint8Array, at: number): boolean {
  for (let i = 0; i < PROTO.length; i++) if (text[at + i] !== PROTO[i]) return false;
  return true;
}
