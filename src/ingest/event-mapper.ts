import { LEVELS } from '../kernel/levels.ts';
import { PAYLOAD_BYTES_MAX } from '../kernel/leaf.ts';
import { isDateTime } from './date-time.ts';
import { LEVEL_REASON, levelCode, pinoLevel } from './event-levels.ts';
import { type EventWriter, writeBytes, writeMembers, writeValue } from './event-writer.ts';
import { fieldName, FIELDS, type Field } from './field-names.ts';
import {
  CHILDREN,
  CHILDREN_AT,
  KIND,
  KIND_NUMBER,
  KIND_OBJECT,
  KIND_STRING,
  NONE,
  VALUE_AT,
  VALUE_END,
  type JsonTape,
} from './json-tape.ts';
import { ACTOR_CHARS_MAX, SOURCE_CHARS_MAX, SPAN_ID_CHARS_MAX, TENANT_CHARS_MAX, TRACE_ID_CHARS_MAX, VALUES_MAX } from './limits.ts';
import { compareKeys, sortMembers } from './member-order.ts';
import { nameFault } from './name-fault.ts';

const index = (field: Field): number => FIELDS.indexOf(field);
const ATTRIBUTES = index('attributes');
const LEVEL = index('level');
const MESSAGE = index('message');
const TENANT = index('tenant');
const TIME = index('time');

/** The longest text of each name field; 0 for the fields with rules of their own. */
const CHARS_MAX = new Uint16Array(FIELDS.length);
CHARS_MAX[index('actor')] = ACTOR_CHARS_MAX;
CHARS_MAX[index('source')] = SOURCE_CHARS_MAX;
CHARS_MAX[index('spanId')] = SPAN_ID_CHARS_MAX;
CHARS_MAX[index('tenant')] = TENANT_CHARS_MAX;
CHARS_MAX[index('traceId')] = TRACE_ID_CHARS_MAX;

const encoder = new TextEncoder();
/** Each with the comma before it; the first one written turns into the opening brace. */
const PREFIXES = FIELDS.map((field) => encoder.encode(`,"${field}":`));
const NO_MESSAGE = encoder.encode('""');
const LEVEL_VALUES = LEVELS.map((level) => encoder.encode(`"${level}"`));

/** A fault of the event itself: at a node, or at a field that is not there. */
export type EventFault = (node: number, field: string, reason: string) => void;

/** What mapping found, valid until the next call. */
export const mapped = { level: 0, tenant: NONE };

/**
 * Maps a scanned object to our event shape (docs/events.md): aliases to fields, everything else into attributes, all faults told.
 * Reuses its arrays for every event.
 */
export class EventMapper {
  readonly #tape: JsonTape;
  readonly #onFault: EventFault;
  /** Node of each field, NONE where it is absent. */
  readonly #nodes = new Int32Array(FIELDS.length);
  readonly #precedence = new Int32Array(FIELDS.length);
  /** Members that go into attributes, sorted by key. */
  readonly #attributes = new Int32Array(VALUES_MAX + 1);
  #attributesCount = 0;
  /** The node among them that keeps the number of a custom pino level, or NONE. */
  #levelAttribute = NONE;
  #level = 0;

  constructor(tape: JsonTape, onFault: EventFault) {
    this.#tape = tape;
    this.#onFault = onFault;
  }

  /** Checks the object at `root`; its canonical form can be written only if no fault was told. */
  map(root: number): void {
    this.#assign(root);
    this.#gatherAttributes(root);
    this.#checkLevel();
    this.#checkMessage();
    this.#checkTime();
    for (let field = 0; field < FIELDS.length; field++) if (CHARS_MAX[field] > 0) this.#checkName(field);
    mapped.level = this.#level;
    mapped.tenant = this.#nodes[TENANT];
  }

  /** Writes the canonical event of `sourceBytes`; false (and nothing written) when it exceeds what a leaf takes. */
  write(out: EventWriter, sourceBytes: number): boolean {
    out.reserve(sourceBytes);
    const to = out.bytes;
    const start = out.end;
    let at = start;
    for (let field = 0; field < FIELDS.length; field++) {
      const isThere = this.#nodes[field] !== NONE || field === MESSAGE || (field === ATTRIBUTES && this.#attributesCount > 0);
      if (!isThere) continue;
      at = writeBytes(to, at, PREFIXES[field], 0, PREFIXES[field].length);
      at = this.#writeField(to, at, field);
    }
    to[start] = 0x7b;
    to[at++] = 0x7d;
    if (at - start <= PAYLOAD_BYTES_MAX) {
      out.end = at;
      return true;
    }
    this.#onFault(NONE, '', `takes ${at - start} bytes in canonical form, at most ${PAYLOAD_BYTES_MAX} are allowed`);
    return false;
  }

  #writeField(to: Uint8Array, at: number, field: number): number {
    const node = this.#nodes[field];
    if (field === ATTRIBUTES) return writeMembers(to, at, this.#tape, this.#attributes, 0, this.#attributesCount);
    if (field === LEVEL) return writeBytes(to, at, LEVEL_VALUES[this.#level], 0, LEVEL_VALUES[this.#level].length);
    // Only a pino line may lack a message.
    if (node === NONE) return writeBytes(to, at, NO_MESSAGE, 0, NO_MESSAGE.length);
    return writeValue(to, at, this.#tape, node);
  }

  /** Finds the member that stands for each field; all others go to attributes. */
  #assign(root: number): void {
    const { nodes, lists } = this.#tape;
    this.#nodes.fill(NONE);
    this.#precedence.fill(0);
    this.#attributesCount = 0;
    const from = nodes[root + CHILDREN_AT];
    const end = from + nodes[root + CHILDREN];
    for (let i = from; i < end; i++) {
      const child = lists[i];
      const name = fieldName(this.#tape, child);
      if (name === undefined) {
        this.#attributes[this.#attributesCount++] = child;
        continue;
      }
      const { field, precedence } = name;
      const rival = this.#nodes[field];
      const wins = rival === NONE || precedence < this.#precedence[field];
      const loser = wins ? rival : child;
      // A duplicate key has been told already; it must not turn up among the attributes as well.
      if (loser !== NONE && precedence !== this.#precedence[field]) this.#attributes[this.#attributesCount++] = loser;
      if (!wins) continue;
      this.#nodes[field] = child;
      this.#precedence[field] = precedence;
    }
  }

  #gatherAttributes(root: number): void {
    const { nodes, lists } = this.#tape;
    const foreign = this.#attributesCount;
    const explicit = this.#nodes[ATTRIBUTES];
    if (explicit !== NONE && nodes[explicit + KIND] !== KIND_OBJECT) this.#onFault(explicit, '', 'must be an object');
    else if (explicit !== NONE) {
      const from = nodes[explicit + CHILDREN_AT];
      for (let i = 0; i < nodes[explicit + CHILDREN]; i++) this.#attributes[this.#attributesCount++] = lists[from + i];
    }
    const level = this.#nodes[LEVEL];
    const pino = level === NONE ? undefined : pinoLevel(this.#tape, level);
    // A custom pino level (35) is filed under the band below it; the number itself is kept.
    this.#levelAttribute = pino === undefined || pino % 10 === 0 ? NONE : this.#tape.rename(level, root, 'level');
    if (this.#levelAttribute !== NONE) this.#attributes[this.#attributesCount++] = this.#levelAttribute;
    if (foreign < this.#attributesCount) this.#sortMixed(explicit);
    else if (foreign > 1) sortMembers(this.#tape, this.#attributes, 0, foreign);
  }

  /** Members of the event and of its `attributes` object together: a key in both is a fault. */
  #sortMixed(explicit: number): void {
    const count = this.#attributesCount;
    if (!sortMembers(this.#tape, this.#attributes, 0, count)) return;
    for (let i = 1; i < count; i++) {
      const [a, b] = [this.#attributes[i - 1], this.#attributes[i]];
      if (compareKeys(this.#tape, a, b) !== 0) continue;
      const isInside = this.#tape.parentOf(a) === explicit;
      // Twice inside the same object has been told by the scanner.
      if (isInside === (this.#tape.parentOf(b) === explicit)) continue;
      const outside = isInside ? b : a;
      // The number of a custom pino level is told by the name it was sent under, `log.level` perhaps.
      this.#onFault(outside === this.#levelAttribute ? this.#nodes[LEVEL] : outside, '', 'stands in "attributes" as well');
    }
  }

  #checkLevel(): void {
    const node = this.#nodes[LEVEL];
    this.#level = node === NONE ? 0 : levelCode(this.#tape, node);
    if (this.#level < 0) this.#onFault(node, '', LEVEL_REASON);
  }

  #checkMessage(): void {
    const node = this.#nodes[MESSAGE];
    const level = this.#nodes[LEVEL];
    const isPino = level !== NONE && this.#tape.nodes[level + KIND] === KIND_NUMBER;
    if (node === NONE && !isPino) this.#onFault(NONE, 'message', 'is missing');
    else if (node !== NONE && this.#tape.nodes[node + KIND] !== KIND_STRING) this.#onFault(node, '', 'must be a string');
  }

  #checkTime(): void {
    const node = this.#nodes[TIME];
    if (node === NONE) return;
    const { nodes, text } = this.#tape;
    const kind = nodes[node + KIND];
    const [at, end] = [nodes[node + VALUE_AT], nodes[node + VALUE_END]];
    const isTime = kind === KIND_STRING ? isDateTime(text, at + 1, end - 1) : kind === KIND_NUMBER && isFiniteNumber(text, at, end);
    if (!isTime) this.#onFault(node, '', 'must be an RFC 3339 time with a zone, or a number of milliseconds since 1970');
  }

  #checkName(field: number): void {
    const node = this.#nodes[field];
    if (node === NONE) return;
    const { nodes, text } = this.#tape;
    const reason =
      nodes[node + KIND] === KIND_STRING
        ? nameFault(text, nodes[node + VALUE_AT] + 1, nodes[node + VALUE_END] - 1, CHARS_MAX[field])
        : 'must be a string';
    if (reason !== undefined) this.#onFault(node, '', reason);
  }
}

/** Tokens this short are below 1e300 whatever they say, unless they hold an exponent. */
const PLAIN_NUMBER_BYTES_MAX = 300;

function isFiniteNumber(text: Uint8Array, at: number, end: number): boolean {
  let hasExponent = false;
  for (let i = at; i < end && !hasExponent; i++) hasExponent = (text[i] | 0x20) === 0x65;
  if (!hasExponent && end - at <= PLAIN_NUMBER_BYTES_MAX) return true;
  return Number.isFinite(Number(new TextDecoder().decode(text.subarray(at, end))));
}
