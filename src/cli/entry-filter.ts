import type { ParseArgsOptionsConfig } from 'node:util';
import { formatLeafType } from '../bundle/format.ts';
import { LEAF_TYPES } from '../kernel/leaf.ts';
import { isLevel, LEVELS, type Level } from '../kernel/levels.ts';
import { levelOf, searchableText, textOf, type EntryView } from './entry-view.ts';
import { parseMoment } from '../kernel/moment.ts';
import type { Faults } from './options.ts';

const TYPE_WORDS = Object.values(LEAF_TYPES).map(formatLeafType);

/** Options that `log cat`, `log tail` and `log grep` share. */
export const FILTER_OPTIONS = {
  from: { type: 'string' },
  to: { type: 'string' },
  seq: { type: 'string' },
  level: { type: 'string' },
  tenant: { type: 'string' },
  text: { type: 'string' },
  type: { type: 'string' },
} as const satisfies ParseArgsOptionsConfig;

/** Their explanation. */
export const FILTER_USAGE = `  --from T, --to T   only entries that the ledger received at or after, and before: 2026-01-02, RFC 3339, or "90m", "24h", "7d" ago
  --seq A..B         only the counters A to B (or one counter)
  --level LEVEL      only events of this level and above: ${LEVELS.slice(1).join(', ')}
  --tenant TENANT    only events of this tenant
  --text TEXT        only entries that contain this text (capitals do not matter)
  --type TYPE,...    only these entry types (default: all but minute-summary): ${TYPE_WORDS.join(', ')}
  --data-dir DIR     the ledger's directory (PROOFS_DATA_DIR, otherwise ./data); no sidecar is needed, a running one does no harm
  --json             one JSON object per entry`;

export interface EntryFilter {
  readonly fromNs: bigint;
  readonly toNs: bigint;
  readonly firstSeq: number;
  /** Past the last one. */
  readonly endSeq: number;
  matches(entry: EntryView): boolean;
}

interface FilterValues {
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly seq?: string | undefined;
  readonly level?: string | undefined;
  readonly tenant?: string | undefined;
  readonly text?: string | undefined;
  readonly type?: string | undefined;
}

const TIME_END = 1n << 64n;

export function parseFilter(values: FilterValues, faults: Faults, nowMs: number): EntryFilter {
  const moment = (option: string, text: string | undefined, otherwise: bigint): bigint =>
    text === undefined
      ? otherwise
      : (parseMoment(text, nowMs) ??
        faults.add(`${option} is "${text}": a time like 2026-01-02T03:04:05Z, 2026-01-02 or 24h is needed`) ??
        otherwise);
  const fromNs = moment('--from', values.from, 0n);
  const toNs = moment('--to', values.to, TIME_END);
  const [firstSeq, endSeq] = parseSeqRange(values.seq, faults);
  const minLevel = parseLevel(values.level, faults);
  const types = parseTypes(values.type, faults);
  const needle = values.text?.toLowerCase();
  const isForEvents = minLevel > 0 || values.tenant !== undefined;
  return {
    fromNs,
    toNs,
    firstSeq,
    endSeq,
    matches(entry) {
      const { leaf } = entry;
      if (leaf.seq < firstSeq || leaf.seq >= endSeq || leaf.timeNs < fromNs || leaf.timeNs >= toNs) return false;
      if (types === undefined ? entry.type === 'minute-summary' : !types.has(entry.type)) return false;
      if (isForEvents && entry.type !== 'event') return false;
      if (LEVELS.indexOf(levelOf(entry)) < minLevel) return false;
      if (values.tenant !== undefined && textOf(entry, 'tenant') !== values.tenant) return false;
      return needle === undefined || searchableText(entry).toLowerCase().includes(needle);
    },
  };
}

function parseSeqRange(text: string | undefined, faults: Faults): [number, number] {
  if (text === undefined) return [0, Number.MAX_SAFE_INTEGER];
  const match = /^(\d{1,16})(?:\.\.(\d{1,16}))?$/.exec(text);
  const [first, last] = match === null ? [1, 0] : [Number(match[1]), Number(match[2] ?? match[1])];
  if (first > last || !Number.isSafeInteger(last + 1)) faults.add(`--seq is "${text}": a counter or a range like 100..200 is needed`);
  return [first, last + 1];
}

function parseLevel(text: string | undefined, faults: Faults): number {
  if (text === undefined) return 0;
  const level: Level = isLevel(text) ? text : 'none';
  if (level === 'none') faults.add(`--level is "${text}": one of ${LEVELS.slice(1).join(', ')} is needed`);
  return LEVELS.indexOf(level);
}

function parseTypes(text: string | undefined, faults: Faults): ReadonlySet<string> | undefined {
  if (text === undefined) return undefined;
  const words = text.split(',').map((word) => word.trim());
  const unknown = words.filter((word) => !TYPE_WORDS.includes(word));
  if (unknown.length > 0) faults.add(`--type names "${unknown.join(', ')}": the types are ${TYPE_WORDS.join(', ')}`);
  return new Set(words);
}
