import { LEVELS } from '../../../kernel/levels.ts';
import { isEvent, toEntry, type Entry } from './entry.ts';
import { collapseValues, mergePatterns } from './patterns.ts';
import { inSlices } from './slices.ts';

export type Clock = 'event' | 'received';
/** What events are grouped by; an event may name several addresses, and has one of everything else. */
export type Dimension = 'level' | 'pattern' | 'address' | 'source' | 'actor' | 'tenant';

export interface Column {
  readonly names: readonly string[];
  /** Per entry: index into names. */
  readonly codes: Uint32Array;
}

/** Everything known about the log before anyone looks at it: entries, their times, their order in time, and their groups. */
export interface LogIndex {
  readonly entries: readonly Entry[];
  readonly timesMs: Readonly<Record<Clock, Float64Array>>;
  /** Entry indices in order of time (stable: equal times keep the ledger's order). */
  readonly order: Readonly<Record<Clock, Uint32Array>>;
  readonly columns: Readonly<Record<Exclude<Dimension, 'address'>, Column>>;
  readonly eventCount: number;
  /** Events that carry a time of their own. */
  readonly timedCount: number;
}

export async function buildLogIndex(
  lines: readonly string[],
  firstSeq: number,
  progress: (done: number, total: number) => void,
): Promise<LogIndex> {
  const entries: Entry[] = [];
  const collapsed: string[] = [];
  await inSlices(
    lines.length,
    (i) => {
      const entry = toEntry(lines[i], firstSeq + i);
      entries.push(entry);
      collapsed.push(isEvent(entry) ? collapseValues(entry.message) : '');
    },
    (done) => progress(done, lines.length),
  );
  const received = Float64Array.from(entries, (entry) => entry.receivedMs);
  const event = Float64Array.from(entries, (entry) => (Number.isNaN(entry.eventMs) ? entry.receivedMs : entry.eventMs));
  const merged = mergePatterns([...new Set(collapsed)]);
  return {
    entries,
    timesMs: { event, received },
    order: { event: orderOf(event), received: orderOf(received) },
    columns: {
      level: { names: LEVELS, codes: Uint32Array.from(entries, (entry) => entry.level) },
      pattern: toColumn(collapsed.map((pattern) => merged.get(pattern) ?? pattern)),
      source: toColumn(entries.map((entry) => entry.source)),
      actor: toColumn(entries.map((entry) => entry.actor)),
      tenant: toColumn(entries.map((entry) => entry.tenant)),
    },
    eventCount: entries.filter(isEvent).length,
    timedCount: entries.filter((entry) => !Number.isNaN(entry.eventMs)).length,
  };
}

function orderOf(timesMs: Float64Array): Uint32Array {
  const key = (i: number): number => (Number.isNaN(timesMs[i]) ? -Infinity : timesMs[i]);
  return Uint32Array.from(timesMs, (_, i) => i).sort((a, b) => (key(a) === key(b) ? a - b : key(a) - key(b)));
}

function toColumn(values: readonly string[]): Column {
  const names: string[] = [];
  const codeOf = new Map<string, number>();
  const codes = Uint32Array.from(values, (value) => {
    let code = codeOf.get(value);
    if (code === undefined) {
      code = names.push(value) - 1;
      codeOf.set(value, code);
    }
    return code;
  });
  return { names, codes };
}

/** Groups by how often they occur among `indices`, most frequent first; events without a value ("") are not listed. */
export function topOf(log: LogIndex, dimension: Dimension, indices: ArrayLike<number>, max: number): { name: string; count: number }[] {
  const counts = new Map<string, number>();
  const add = (name: string): void => void counts.set(name, (counts.get(name) ?? 0) + 1);
  for (let i = 0; i < indices.length; i++) {
    if (dimension === 'address') for (const address of log.entries[indices[i]].addresses) add(address);
    else add(log.columns[dimension].names[log.columns[dimension].codes[indices[i]]]);
  }
  counts.delete('');
  const sorted = [...counts].sort(([nameA, a], [nameB, b]) => b - a || (nameA < nameB ? -1 : 1));
  return sorted.slice(0, max).map(([name, count]) => ({ name, count }));
}
