import { formatLeafLine, formatLeafType } from '../bundle/format.ts';
import { fromUtf8, toBase64, utf8 } from '../kernel/bytes.ts';
import { leafHash } from '../kernel/hashes.ts';
import { leafTypeName, type Leaf } from '../kernel/leaf.ts';
import { isLevel, type Level } from '../kernel/levels.ts';
import { nodeHashes } from '../kernel/node-hashes.ts';
import { formatMoment } from '../kernel/moment.ts';
import { toSafeText } from './safe-text.ts';

/** An entry as the log commands see it. Its text is hostile. */
export interface EntryView {
  readonly leaf: Leaf;
  /** Name of the leaf type in docs/formats/ledger.md, or its number. */
  readonly type: string;
  /** Payload text as stored; undefined when it is not JSON. */
  readonly text: string | undefined;
  /** Its JSON object; undefined when it is none. */
  readonly payload: Readonly<Record<string, unknown>> | undefined;
}

export function toEntryView(leaf: Leaf): EntryView {
  const type = formatLeafType(leaf.type);
  try {
    const text = fromUtf8(leaf.payload);
    const value: unknown = JSON.parse(text);
    return { leaf, type, text, payload: typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined };
  } catch {
    // Only an altered or foreign ledger gets here: shown as bytes, judged by log verify.
    return { leaf, type, text: undefined, payload: undefined };
  }
}

export function levelOf(entry: EntryView): Level {
  const level = entry.payload?.level;
  return entry.type === 'event' && isLevel(level) ? level : 'none';
}

export function textOf(entry: EntryView, field: string): string {
  const value = entry.payload?.[field];
  return typeof value === 'string' ? value : '';
}

/** Everything a search looks at: the message and every text inside, as it reads and not as JSON escapes it. */
export function searchableText(entry: EntryView): string {
  const texts: string[] = [];
  const visit = (value: unknown): void => {
    if (typeof value === 'string') texts.push(value);
    else if (typeof value === 'object' && value !== null) for (const item of Object.values(value)) visit(item);
    else if (typeof value === 'number' || typeof value === 'boolean') texts.push(String(value));
  };
  visit(entry.payload);
  return texts.join('\n');
}

const NO_PAYLOAD = utf8('null');
const NO_PAYLOAD_FIELD = '"payload":null}';

/** The leaf line of docs/formats/bundle.md; a payload that is no JSON text (no ledger of ours has one) stands there as base64. */
export function formatEntryJson(entry: EntryView): string {
  const { leaf } = entry;
  const hash = leafHash(nodeHashes, leaf.bytes);
  if (entry.text !== undefined || leafTypeName(leaf.type) === undefined) return formatLeafLine(leaf, hash);
  const line = formatLeafLine({ ...leaf, payload: NO_PAYLOAD }, hash);
  return `${line.slice(0, -NO_PAYLOAD_FIELD.length)}"payloadBase64":"${toBase64(leaf.payload)}"}`;
}

const LEVEL_COLORS: Readonly<Record<Level, string>> = {
  none: '',
  trace: '2',
  debug: '2',
  info: '',
  warn: '33',
  error: '31',
  fatal: '1;31',
};
const RECORD_COLOR = '36';
const DIM = '2';

/**
 * One line for people: counter, time (the producer's when it gave one), level, source, message. Control characters appear as
 * escapes; the only escape sequences in it are our own colours. `highlight` (a global expression) marks its matches in
 * the message.
 */
export function formatEntryLine(entry: EntryView, useColor: boolean, highlight?: RegExp): string {
  const paint = (code: string, text: string): string => (useColor && code !== '' && text !== '' ? `\x1b[${code}m${text}\x1b[0m` : text);
  const isEvent = entry.type === 'event' && entry.payload !== undefined;
  const level = levelOf(entry);
  const color = isEvent ? LEVEL_COLORS[level] : RECORD_COLOR;
  const message = isEvent ? textOf(entry, 'message') : (entry.text ?? `${entry.leaf.payload.length} bytes that are not JSON`);
  const tenant = textOf(entry, 'tenant');
  const source = [isEvent ? textOf(entry, 'source') : '', tenant === '' ? '' : `[${tenant}]`].filter((part) => part !== '').join(' ');
  return [
    paint(DIM, `#${entry.leaf.seq}`),
    paint(DIM, timeText(entry)),
    paint(color, (isEvent ? (level === 'none' ? '-' : level) : entry.type).padEnd(5)),
    ...(source === '' ? [] : [toSafeText(source)]),
    markMatches(message, highlight, color, paint),
  ].join('  ');
}

function timeText(entry: EntryView): string {
  const own = entry.payload?.time;
  if (entry.type === 'event' && typeof own === 'string') return toSafeText(own);
  if (entry.type === 'event' && typeof own === 'number' && Math.abs(own) <= 8.64e15) return new Date(own).toISOString();
  return formatMoment(entry.leaf.timeNs).replace(/\d{6}Z$/, 'Z');
}

const MATCH_COLOR = '1;7';

function markMatches(message: string, highlight: RegExp | undefined, color: string, paint: (code: string, text: string) => string): string {
  if (highlight === undefined) return paint(color, toSafeText(message));
  let out = '';
  let at = 0;
  for (const match of message.matchAll(highlight)) {
    out += paint(color, toSafeText(message.slice(at, match.index))) + paint(MATCH_COLOR, toSafeText(match[0]));
    at = match.index + match[0].length;
  }
  return out + paint(color, toSafeText(message.slice(at)));
}
