import { isUtf8 } from 'node:buffer';
import { EMPTY_BATCH, type EventBatch } from '../kernel/event-batch.ts';
import { EventMapper, mapped } from './event-mapper.ts';
import { EventWriter } from './event-writer.ts';
import { FaultList, type Fault } from './fault-list.ts';
import { findBadUtf8 } from './find-bad-utf8.ts';
import { JsonTape, KIND, KIND_OBJECT, NONE, VALUE_AT, VALUE_END } from './json-tape.ts';
import { EVENTS_MAX } from './limits.ts';
import { BoundFault, SyntaxFault, ValueScanner } from './scan-value.ts';
import { TenantTable } from './tenant-table.ts';

export type { Fault } from './fault-list.ts';

export interface ParsedEvents {
  /** The valid events; empty when anything is wrong and nothing may be skipped. */
  readonly batch: EventBatch;
  readonly faults: readonly Fault[];
  /** All of them, also those beyond what `faults` lists. */
  readonly faultsTotal: number;
  /** Lines or elements refused. */
  readonly rejected: number;
  /** Nothing is wrong but size: more than EVENTS_MAX events, or only events beyond what a leaf takes. */
  readonly isTooLarge: boolean;
}

/** Ends every token and every string: no JSON text may hold it raw. */
const SENTINEL = 0x00;
const LF = 0x0a;
const CR = 0x0d;
const OPEN_BRACKET = 0x5b;
const OPEN_BRACE = 0x7b;

/**
 * Request body → canonical events, or every fault. Framing `json` is one event or an array of them, `ndjson` one event a line. The
 * arrays of the batch are fresh; everything else is reused, so calls must not overlap (they are synchronous).
 */
export function parseEvents(body: Uint8Array, framing: 'json' | 'ndjson', options: { onInvalid: 'reject' | 'skip' }): ParsedEvents {
  const request = new RequestParser(body);
  current = request;
  if (framing === 'ndjson') request.parseLines();
  else request.parseDocument();
  return request.finish(options.onInvalid);
}

/** What stands for one event: a line of NDJSON, the whole document, or an element of its array. */
type Unit = 'line' | 'body' | 'element';

const UNREAD = '; nothing behind it could be read';

const tape = new JsonTape();
const out = new EventWriter();
/** Whoever is being parsed now: scanner and mapper hold large arrays and serve every request. */
let current: RequestParser | undefined;
const scanner = new ValueScanner(tape, (node, reason) => current?.faultAt(node, '', reason));
const mapper = new EventMapper(tape, (node, field, reason) => current?.faultAt(node, field, reason));
const tenantTable = new TenantTable();
const ends = new Uint32Array(EVENTS_MAX);
const levels = new Uint8Array(EVENTS_MAX);
const tenants = new Uint16Array(EVENTS_MAX);

class RequestParser {
  readonly #body: Uint8Array;
  readonly #faults = new FaultList();
  #line = 0;
  #events = 0;
  #rejected = 0;
  #isTooMany = false;
  /** Events whose only fault is their size. */
  #oversized = 0;

  constructor(body: Uint8Array) {
    this.#body = body;
    tape.load(body, SENTINEL);
    out.begin();
    tenantTable.begin();
  }

  fault(field: string, reason: string): void {
    this.#faults.add(this.#line, field, reason);
  }

  /** A fault of the value at `node`, or of a field that is not there. Paths that nobody will be shown are not made. */
  faultAt(node: number, field: string, reason: string): void {
    this.fault(node === NONE || this.#faults.isFull ? field : tape.pathOf(node), reason);
  }

  /** A fault that makes its line or element unreadable: what was found in it before does not count. */
  #refuse(faultsBefore: number, field: string, reason: string): void {
    this.#faults.cutTo(faultsBefore);
    this.fault(field, reason);
    this.#rejected++;
  }

  parseLines(): void {
    const body = this.#body;
    const isWhole = isUtf8(body);
    if (body.length === 0 || (body.length === 1 && body[0] === LF)) {
      this.#line = 1;
      this.#refuse(0, '', 'the body holds no events');
      return;
    }
    for (let at = 0; at < body.length;) {
      // Not in the tape's text: behind the body that still holds what larger requests left there.
      const found = body.indexOf(LF, at);
      const end = found < 0 ? body.length : found;
      this.#line++;
      if (this.#line > EVENTS_MAX) return this.#tooMany(countLines(body));
      this.#parseLine(at, end, isWhole);
      at = end + 1;
    }
  }

  #parseLine(at: number, end: number, isWhole: boolean): void {
    const { text } = tape;
    const before = this.#faults.total;
    if (!isWhole && !isUtf8(this.#body.subarray(at, end))) return this.#refuse(before, '', notUtf8(this.#body, at, end));
    if (this.#line === 1 && hasByteOrderMark(text)) return this.#refuse(before, '', 'starts with a byte order mark: remove it');
    if (text[end - 1] === CR && end > at) return this.#refuse(before, '', 'ends in CRLF: lines end in LF');
    scanner.begin(at, end, true);
    const first = scanner.skipSpace();
    if (first < 0) return this.#refuse(before, '', 'is empty');
    this.#parseOne(first, at, before, 'line');
  }

  parseDocument(): void {
    this.#line = 1;
    if (!isUtf8(this.#body)) return this.#refuse(0, '', notUtf8(this.#body, 0, this.#body.length));
    if (hasByteOrderMark(tape.text)) return this.#refuse(0, '', 'starts with a byte order mark: remove it');
    scanner.begin(0, this.#body.length, false);
    const first = scanner.skipSpace();
    if (first < 0) return this.#refuse(0, '', 'the body holds no events');
    if (first === OPEN_BRACKET) return this.#parseArray();
    if (first !== OPEN_BRACE) return this.#refuse(0, '', 'must be an event object or an array of them');
    this.#parseOne(first, 0, 0, 'body');
  }

  #parseArray(): void {
    scanner.take(OPEN_BRACKET);
    if (scanner.skipSpace() === 0x5d) {
      scanner.take(0x5d);
      if (scanner.skipSpace() >= 0) return this.#refuse(0, '', `${this.#place(0, scanner.at)}: expected the end of the body`);
      return this.#refuse(0, '', 'the body holds no events');
    }
    for (this.#line = 1; ; this.#line++) {
      if (this.#line > EVENTS_MAX) return this.#tooMany(EVENTS_MAX + 1);
      tape.reset();
      const isReadable = this.#parseOne(scanner.skipSpace(), 0, this.#faults.total, 'element');
      if (!isReadable) return;
      const next = scanner.skipSpace();
      if (next === 0x2c) scanner.take(0x2c);
      else if (next === 0x5d) break;
      else return this.#refuseAfter('expected "," or "]"');
    }
    scanner.take(0x5d);
    if (scanner.skipSpace() >= 0) this.#refuseAfter('expected the end of the body');
  }

  /** A syntax fault behind an element: the element itself stays as it is. */
  #refuseAfter(reason: string): void {
    const at = scanner.at;
    this.fault('', `${this.#place(0, at)}: ${at >= this.#body.length ? 'the text ends too early' : reason}${UNREAD}`);
    this.#rejected++;
  }

  /** Where a reader finds an offset: the column (in bytes, from 1), and the line if the text that begins at `origin` has several. */
  #place(origin: number, at: number): string {
    const lines = countLineFeeds(this.#body, origin, at);
    if (lines === 0) return `column ${at - origin + 1}`;
    return `text line ${lines + 1}, column ${at - this.#body.lastIndexOf(LF, at - 1)}`;
  }

  /** Scans, checks and writes one event. False when the text behind it cannot be read any more. */
  #parseOne(first: number, origin: number, faultsBefore: number, unit: Unit): boolean {
    tape.reset();
    try {
      const root = scanner.scan(NONE, 0, 0, 0);
      if (unit !== 'element') checkEnd(unit);
      if (first !== OPEN_BRACE || tape.nodes[root + KIND] !== KIND_OBJECT) {
        this.#refuse(faultsBefore, '', 'must be an object');
        return true;
      }
      mapper.map(root);
      const isValid = this.#faults.total === faultsBefore;
      if (isValid && !mapper.write(out, tape.nodes[root + VALUE_END] - tape.nodes[root + VALUE_AT])) {
        this.#oversized++;
        this.#rejected++;
      } else if (isValid) this.#keep();
      else this.#rejected++;
      return true;
    } catch (error) {
      if (error instanceof SyntaxFault)
        this.#refuse(faultsBefore, '', `${this.#place(origin, error.at)}: ${error.message}${unit === 'element' ? UNREAD : ''}`);
      else if (error instanceof BoundFault)
        this.#refuse(faultsBefore, tape.pathOf(error.node), `${error.message}; nothing behind it was read`);
      else throw error;
      return false;
    }
  }

  #keep(): void {
    ends[this.#events] = out.end;
    levels[this.#events] = mapped.level;
    tenants[this.#events] = mapped.tenant === NONE ? 0 : tenantTable.numberOf(tape, mapped.tenant);
    this.#events++;
  }

  #tooMany(lines: number): void {
    this.#faults.add(this.#line, '', `more than ${EVENTS_MAX} events: send them in several requests`);
    this.#rejected = lines;
    this.#isTooMany = true;
  }

  finish(onInvalid: 'reject' | 'skip'): ParsedEvents {
    const { kept: faults, total: faultsTotal } = this.#faults;
    const isEmpty = this.#isTooMany || (faultsTotal > 0 && onInvalid === 'reject') || this.#events === 0;
    const batch = isEmpty
      ? EMPTY_BATCH
      : {
          payloads: out.copy(),
          ends: ends.slice(0, this.#events),
          levels: levels.slice(0, this.#events),
          tenants: tenants.slice(0, this.#events),
          tenantNames: tenantTable.names,
        };
    tape.unload();
    const isOversized = onInvalid === 'reject' && faultsTotal > 0 && this.#oversized === faultsTotal;
    return { batch, faults, faultsTotal, rejected: this.#rejected, isTooLarge: this.#isTooMany || isOversized };
  }
}

function hasByteOrderMark(text: Uint8Array): boolean {
  return text[0] === 0xef && text[1] === 0xbb && text[2] === 0xbf;
}

function countLines(body: Uint8Array): number {
  return countLineFeeds(body, 0, body.length) + (body.at(-1) === LF ? 0 : 1);
}

function countLineFeeds(body: Uint8Array, from: number, to: number): number {
  let count = 0;
  for (let i = from; i < to; i++) if (body[i] === LF) count++;
  return count;
}

/** Nothing but white space may follow what has been scanned. */
function checkEnd(unit: 'line' | 'body'): void {
  const rest = scanner.skipSpace();
  if (rest < 0) return;
  const hint = unit === 'body' && rest === OPEN_BRACE ? ': send several events as an array, or one a line as application/x-ndjson' : '';
  scanner.fail(`expected the end of the ${unit}${hint}`);
}

/** The byte is counted from the beginning of the line or document, like a column. */
function notUtf8(body: Uint8Array, from: number, to: number): string {
  return `is not UTF-8 at byte ${findBadUtf8(body, from, to) - from + 1}`;
}
