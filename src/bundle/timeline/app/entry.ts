import { LEAF_TYPES, leafTypeName } from '../../../kernel/leaf.ts';
import { LEVELS } from '../../../kernel/levels.ts';
import { parseEntryLine } from './entry-line.ts';
import { addressesOf } from './patterns.ts';
import { recordText } from './record-text.ts';

/** One entry as the page shows it. The whole line is kept; everything rarely needed is parsed from it again. */
export interface Entry {
  readonly seq: number;
  /** Leaf type code; −1 when the line cannot be read. */
  readonly type: number;
  readonly typeName: string;
  /** Index into LEVELS; 0 = the producer gave none. */
  readonly level: number;
  readonly receivedMs: number;
  /** The producer's own time; NaN when it gave none. */
  readonly eventMs: number;
  readonly message: string;
  readonly tenant: string;
  readonly source: string;
  readonly actor: string;
  /** IP addresses that the message or actor names, each once. */
  readonly addresses: readonly string[];
  /** What the text search looks at. */
  readonly searchText: string;
  /** Written for the ledger's own sake; hidden until asked for. */
  readonly isRoutine: boolean;
  readonly line: string;
}

export const BROKEN_TYPE = -1;
const BOOKKEEPING: ReadonlySet<number> = new Set([
  LEAF_TYPES.minuteSummary,
  LEAF_TYPES.heartbeat,
  LEAF_TYPES.genesis,
  LEAF_TYPES.epochSeal,
  LEAF_TYPES.witness,
]);

export function isEvent(entry: Entry): boolean {
  return entry.type === LEAF_TYPES.event;
}

export function isBookkeeping(entry: Entry): boolean {
  return entry.isRoutine;
}

type Fields = Readonly<Record<string, unknown>>;

/** Line → entry. A line that cannot be read becomes an entry that says so: nothing is left out of the list. */
export function toEntry(line: string, expectedSeq: number): Entry {
  try {
    const { head, payloadText } = parseEntryLine(line);
    const parsed: unknown = leafTypeName(head.type) === undefined ? undefined : JSON.parse(payloadText);
    const fields: Fields = typeof parsed === 'object' && parsed !== null ? (parsed as Fields) : {};
    const base = { seq: head.seq, type: head.type, typeName: head.typeName, receivedMs: Number(head.timeNs / 1_000_000n), line };
    return head.type === LEAF_TYPES.event ? eventEntry(base, fields, payloadText) : recordEntry(base, fields, payloadText);
  } catch (error) {
    const message = `this entry cannot be read: ${error instanceof Error ? error.message : String(error)}`;
    const base = { seq: expectedSeq, type: BROKEN_TYPE, typeName: 'unreadable', receivedMs: Number.NaN, line };
    return { ...base, ...NO_FIELDS, message, searchText: `${message}\n${line}` };
  }
}

const NO_FIELDS = { level: 0, eventMs: Number.NaN, tenant: '', source: '', actor: '', addresses: [], isRoutine: false };
type Base = Pick<Entry, 'seq' | 'type' | 'typeName' | 'receivedMs' | 'line'>;

function eventEntry(base: Base, fields: Fields, payloadText: string): Entry {
  const message = textOf(fields['message']);
  const [tenant, source, actor] = [textOf(fields['tenant']), textOf(fields['source']), textOf(fields['actor'])];
  const more = [tenant, source, actor, textOf(fields['traceId']), textOf(fields['spanId'])].filter((text) => text !== '');
  const attributes = fields['attributes'] === undefined ? '' : attributesText(payloadText, fields['attributes']);
  return {
    ...base,
    level: Math.max(0, (LEVELS as readonly unknown[]).indexOf(fields['level'])),
    eventMs: eventTime(fields['time']),
    message,
    tenant,
    source,
    actor,
    isRoutine: false,
    addresses: addressesOf(actor === '' ? message : `${message} ${actor}`),
    searchText: more.length === 0 && attributes === '' ? message : [message, ...more, attributes].join('\n'),
  };
}

function recordEntry(base: Base, fields: Fields, payloadText: string): Entry {
  const message = recordText(base.typeName, fields, payloadText);
  // Of a change to an artifact its end is what counts; the attempt before it only matters where the end is missing.
  const isAttempt = base.type === LEAF_TYPES.versionChange && fields['outcome'] === 'attempted';
  const isRoutine = isAttempt || BOOKKEEPING.has(base.type);
  return { ...base, ...NO_FIELDS, isRoutine, message, searchText: `${base.typeName}\n${message}\n${payloadText}` };
}

/** Parsing rounds large numbers, so the search looks at the text as stored too: keys and numbers as the producer sent them. */
function attributesText(payloadText: string, attributes: unknown): string {
  return `${leafTexts(attributes, 0).join('\n')}\n${payloadText.slice(payloadText.indexOf('"attributes":'), payloadText.lastIndexOf('"message":'))}`;
}

/** The ledger refuses deeper nesting. */
const DEPTH_MAX = 32;

function leafTexts(value: unknown, depth: number): string[] {
  if (typeof value === 'string') return [value];
  if (typeof value !== 'object' || value === null || depth > DEPTH_MAX) return [];
  return Object.values(value).flatMap((item) => leafTexts(item, depth + 1));
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function eventTime(value: unknown): number {
  if (typeof value === 'number') return Math.abs(value) <= DATE_MS_MAX ? value : Number.NaN;
  return typeof value === 'string' ? Date.parse(value) : Number.NaN;
}

/** ECMAScript's range of time values. */
const DATE_MS_MAX = 8.64e15;
