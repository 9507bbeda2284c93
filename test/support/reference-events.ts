import { fromUtf8, utf8 } from '../../src/kernel/bytes.ts';
import { PAYLOAD_BYTES_MAX } from '../../src/kernel/leaf.ts';
import { type Flaw, type JsonTree, NotJsonError, ReferenceReader, toCanonical, toField, TooDeepError } from './reference-json.ts';

/** One accepted event: what the ledger will store. */
export interface ReferenceEvent {
  readonly payload: string;
  readonly level: string;
  readonly tenant: string | undefined;
}

export interface ReferenceFault extends Flaw {
  readonly line: number;
  /** The line could not be read as JSON, so that nothing but its number is worth comparing. */
  readonly isUnreadable: boolean;
}

export interface ReferenceResult {
  /** The good events, as taken under onInvalid=skip. */
  readonly events: readonly ReferenceEvent[];
  readonly faults: readonly ReferenceFault[];
  /** Lines or elements refused; what cannot be read behind an element of an array counts as one. */
  readonly rejected: number;
}

const EVENTS_MAX = 10_000;
const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf];

const ALIASES = {
  message: ['message', 'msg'],
  time: ['time', '@timestamp', 'timestamp'],
  level: ['level', 'log.level', 'severityText'],
  traceId: ['traceId', 'trace.id', 'trace_id'],
  spanId: ['spanId', 'span.id', 'span_id'],
  source: ['source', 'service.name'],
  tenant: ['tenant'],
  actor: ['actor'],
} as const;

const NAME_CHARS_MAX = { tenant: 128, source: 256, actor: 256, traceId: 128, spanId: 128 } as const;

const LEVEL_WORDS: Readonly<Record<string, readonly string[]>> = {
  trace: ['trace'],
  debug: ['debug'],
  info: ['info', 'notice', 'information'],
  warn: ['warn', 'warning'],
  error: ['error', 'err'],
  fatal: ['fatal', 'critical', 'crit', 'alert', 'emerg', 'panic'],
};
const PINO_BANDS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'];

const RFC_3339 = /^(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.\d+)?(?:[Zz]|[+-](\d\d):(\d\d))$/;
const MONTH_DAYS = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

export function isReferenceTime(text: string): boolean {
  const match = RFC_3339.exec(text);
  if (match === null) return false;
  const [year, month, day, hour, minute, second, zoneHour, zoneMinute] = match.slice(1).map((digits) => Number(digits ?? 0));
  if (month < 1 || month > 12 || day < 1 || day > MONTH_DAYS[month - 1]) return false;
  const isLeapYear = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  if (month === 2 && day === 29 && !isLeapYear) return false;
  return hour <= 23 && minute <= 59 && second <= 60 && zoneHour <= 23 && zoneMinute <= 59;
}

function isGoodTime(value: JsonTree): boolean {
  if (value.kind === 'number') return Number.isFinite(Number(value.token));
  return value.kind === 'string' && isReferenceTime(value.text);
}

function toLevel(value: JsonTree): string | undefined {
  if (value.kind === 'number') {
    const isInRange = /^\d+$/.test(value.token) && Number(value.token) >= 10 && Number(value.token) <= 60;
    return isInRange ? PINO_BANDS[Math.floor(Number(value.token) / 10) - 1] : undefined;
  }
  if (value.kind !== 'string') return undefined;
  const word = value.text.toLowerCase();
  return Object.keys(LEVEL_WORDS).find((level) => LEVEL_WORDS[level].includes(word));
}

function whyBadName(value: JsonTree, charsMax: number): string | undefined {
  if (value.kind !== 'string') return 'must be a string';
  if (value.text === '') return 'must not be empty';
  if (Array.from(value.text).length > charsMax) return `has more than ${charsMax} characters`;
  return /\p{Cc}/u.test(value.text) ? 'has control characters' : undefined;
}

/** An event's tree → what is stored; pushes a flaw for each thing that is wrong with it. */
function toEvent(members: ReadonlyMap<string, JsonTree>, flaws: Flaw[]): ReferenceEvent {
  const refuse = (key: string, reason: string): number => flaws.push({ field: toField([key]), reason });
  const rest = new Map(members);
  rest.delete('attributes');
  const stored = new Map<string, JsonTree>();
  const keyOf = new Map<string, string>();
  for (const [name, aliases] of Object.entries(ALIASES)) {
    const key = aliases.find((alias) => members.has(alias));
    if (key === undefined) continue;
    stored.set(name, members.get(key) as JsonTree);
    keyOf.set(name, key);
    rest.delete(key);
  }
  const { message, time, level } = Object.fromEntries(stored);
  if (message !== undefined && message.kind !== 'string') refuse(keyOf.get('message') as string, 'must be a string');
  if (message === undefined && level?.kind !== 'number') refuse('message', 'is missing');
  if (message === undefined) stored.set('message', { kind: 'string', text: '' });
  if (time !== undefined && !isGoodTime(time)) refuse(keyOf.get('time') as string, 'is no time');
  for (const [name, charsMax] of Object.entries(NAME_CHARS_MAX)) {
    const value = stored.get(name);
    const why = value === undefined ? undefined : whyBadName(value, charsMax);
    if (why !== undefined) refuse(keyOf.get(name) as string, why);
  }
  const attributes = new Map<string, JsonTree>();
  const explicit = members.get('attributes');
  if (explicit?.kind === 'object') for (const [key, value] of explicit.members) attributes.set(key, value);
  else if (explicit !== undefined) refuse('attributes', 'must be an object');
  const addAttribute = (key: string, value: JsonTree, sentAs: string): void => {
    if (attributes.has(key)) refuse(sentAs, 'is also in attributes');
    else attributes.set(key, value);
  };
  for (const [key, value] of rest) addAttribute(key, value, key);
  const levelName = level === undefined ? 'none' : toLevel(level);
  if (levelName === undefined) refuse(keyOf.get('level') as string, 'is no level');
  else if (level !== undefined) stored.set('level', { kind: 'string', text: levelName });
  if (levelName !== undefined && level?.kind === 'number' && Number(level.token) % 10 !== 0)
    addAttribute('level', level, keyOf.get('level') as string);
  if (explicit !== undefined || attributes.size > 0) stored.set('attributes', { kind: 'object', members: attributes });
  const payload = toCanonical({ kind: 'object', members: stored });
  if (flaws.length === 0 && utf8(payload).length > PAYLOAD_BYTES_MAX) flaws.push({ field: '', reason: 'is too large' });
  const tenant = stored.get('tenant');
  return { payload, level: levelName ?? 'none', tenant: tenant?.kind === 'string' ? tenant.text : undefined };
}

class Gathered {
  readonly events: ReferenceEvent[] = [];
  readonly faults: ReferenceFault[] = [];
  rejected = 0;

  refuse(line: number, reason: string): void {
    this.faults.push({ line, field: '', reason, isUnreadable: true });
    this.rejected++;
  }

  /** Too many events: not even those before are taken. */
  refuseAll(line: number): void {
    this.events.length = 0;
    this.refuse(line, `more than ${EVENTS_MAX} events`);
  }

  /** The text breaks behind element `line`, which itself stays as it is. */
  refuseRest(line: number, reason: string): void {
    this.faults.push({ line, field: '', reason, isUnreadable: false });
    this.rejected++;
  }

  /** Judges a value that was read whole. */
  take(line: number, tree: JsonTree, flaws: Flaw[]): void {
    if (tree.kind !== 'object') {
      this.faults.push({ line, field: '', reason: 'is no object', isUnreadable: false });
      this.rejected++;
      return;
    }
    const event = toEvent(tree.members, flaws);
    for (const flaw of flaws) this.faults.push({ ...flaw, line, isUnreadable: false });
    if (flaws.length === 0) this.events.push(event);
    else this.rejected++;
  }

  /** Reads one value; undefined, with a fault, when it cannot be read. */
  read(line: number, reader: ReferenceReader): JsonTree | undefined {
    reader.flaws = [];
    reader.skipSpace();
    try {
      return reader.value([], 1);
    } catch (error) {
      if (error instanceof TooDeepError) this.faults.push({ line, field: error.field, reason: error.message, isUnreadable: false });
      else if (error instanceof NotJsonError) this.faults.push({ line, field: '', reason: error.message, isUnreadable: true });
      else throw error;
      this.rejected++;
      return undefined;
    }
  }
}

export function referenceParse(body: Uint8Array, framing: 'json' | 'ndjson'): ReferenceResult {
  const gathered = new Gathered();
  if (framing === 'ndjson') readLines(body, gathered);
  else readDocument(body, gathered);
  return gathered;
}

function hasByteOrderMark(bytes: Uint8Array): boolean {
  return BYTE_ORDER_MARK.every((byte, i) => bytes[i] === byte);
}

function toText(bytes: Uint8Array): string | undefined {
  try {
    return fromUtf8(bytes);
  } catch {
    return undefined;
  }
}

function readLines(body: Uint8Array, gathered: Gathered): void {
  const lines: Uint8Array[] = [];
  let from = 0;
  for (let i = 0; i < body.length; i++) {
    if (body[i] !== 0x0a) continue;
    lines.push(body.subarray(from, i));
    from = i + 1;
  }
  if (from < body.length || lines.length === 0) lines.push(body.subarray(from));
  for (const [i, bytes] of lines.entries()) {
    if (i === EVENTS_MAX) return gathered.refuseAll(i + 1);
    readLine(i + 1, bytes, gathered);
  }
}

function readLine(line: number, bytes: Uint8Array, gathered: Gathered): void {
  if (line === 1 && hasByteOrderMark(bytes)) return gathered.refuse(line, 'begins with a byte order mark');
  const text = toText(bytes);
  if (text === undefined) return gathered.refuse(line, 'is not UTF-8');
  if (text.endsWith('\r')) return gathered.refuse(line, 'ends in CRLF');
  const reader = new ReferenceReader(text);
  reader.skipSpace();
  if (reader.isAtEnd()) return gathered.refuse(line, 'is empty');
  const tree = gathered.read(line, reader);
  if (tree === undefined) return;
  reader.skipSpace();
  if (reader.isAtEnd()) gathered.take(line, tree, reader.flaws);
  else gathered.refuse(line, 'goes on after the event');
}

function readDocument(body: Uint8Array, gathered: Gathered): void {
  if (hasByteOrderMark(body)) return gathered.refuse(1, 'begins with a byte order mark');
  const text = toText(body);
  if (text === undefined) return gathered.refuse(1, 'is not UTF-8');
  const reader = new ReferenceReader(text);
  reader.skipSpace();
  if (reader.take('[')) return readElements(reader, gathered);
  if (text[reader.at] !== '{') return gathered.refuse(1, 'is neither an object nor an array');
  const tree = gathered.read(1, reader);
  if (tree === undefined) return;
  reader.skipSpace();
  if (reader.isAtEnd()) gathered.take(1, tree, reader.flaws);
  else gathered.refuse(1, 'goes on after the event');
}

function readElements(reader: ReferenceReader, gathered: Gathered): void {
  let line = 0;
  reader.skipSpace();
  if (reader.take(']')) return gathered.refuse(1, 'holds no events');
  do {
    line++;
    if (line > EVENTS_MAX) return gathered.refuseAll(line);
    const tree = gathered.read(line, reader);
    if (tree === undefined) return;
    gathered.take(line, tree, reader.flaws);
    reader.skipSpace();
  } while (reader.take(','));
  if (!reader.take(']')) return gathered.refuseRest(line, 'is followed by neither a comma nor a bracket');
  reader.skipSpace();
  if (!reader.isAtEnd()) gathered.refuseRest(line, 'is followed by more than the end of the array');
}
