import { LEVELS } from '../../../kernel/levels.ts';
import { BROKEN_TYPE, isBookkeeping, isEvent, type Entry } from './entry.ts';
import type { Clock, Dimension, LogIndex } from './log-index.ts';
import type { Span } from './time-axis.ts';
import { queryPattern } from './visible-text.ts';

export interface Filter {
  /** Indices into LEVELS; empty = all. */
  readonly levels: ReadonlySet<number>;
  /** At most one value per dimension. */
  readonly picks: ReadonlyMap<Dimension, string>;
  readonly query: string;
  readonly showRecords: boolean;
  readonly showBookkeeping: boolean;
}

export const NO_FILTER: Filter = { levels: new Set(), picks: new Map(), query: '', showRecords: true, showBookkeeping: false };

export interface Matches {
  /** What the table lists: matching entries in the zoomed span, in order of time. */
  readonly rows: Uint32Array;
  /** Matching events in the zoomed span. */
  readonly events: Uint32Array;
  /** Matching events wherever they are in time. */
  readonly everywhere: Uint32Array;
  /** Per level: events that match everything but the level filter. */
  readonly levelCounts: Uint32Array;
}

export function isFiltering(filter: Filter): boolean {
  return filter.levels.size > 0 || filter.picks.size > 0 || filter.query !== '';
}

export function applyFilter(log: LogIndex, filter: Filter, clock: Clock, zoom: Span | undefined): Matches {
  const { entries } = log;
  const timesMs = log.timesMs[clock];
  const order = log.order[clock];
  const rows = new Uint32Array(entries.length);
  const events = new Uint32Array(entries.length);
  const everywhere = new Uint32Array(entries.length);
  const levelCounts = new Uint32Array(LEVELS.length);
  const hasPicks = picksTest(log, filter.picks);
  const hasQuery = queryTest(filter.query);
  const eventsOnly = filter.levels.size > 0 || filter.picks.size > 0;
  let [rowCount, eventCount, everywhereCount] = [0, 0, 0];
  for (const index of order) {
    const entry = entries[index];
    const isIn = zoom === undefined || (timesMs[index] >= zoom.fromMs && timesMs[index] <= zoom.toMs);
    if (!isEvent(entry)) {
      if (isIn && !eventsOnly && isRecordShown(entry, filter) && hasQuery(entry)) rows[rowCount++] = index;
      continue;
    }
    if (!hasPicks(index) || !hasQuery(entry)) continue;
    if (isIn) levelCounts[entry.level]++;
    if (filter.levels.size > 0 && !filter.levels.has(entry.level)) continue;
    everywhere[everywhereCount++] = index;
    if (!isIn) continue;
    rows[rowCount++] = index;
    events[eventCount++] = index;
  }
  return {
    rows: rows.subarray(0, rowCount),
    events: events.subarray(0, eventCount),
    everywhere: everywhere.subarray(0, everywhereCount),
    levelCounts,
  };
}

function isRecordShown(entry: Entry, filter: Filter): boolean {
  // An entry that cannot be read is evidence of damage: no filter for records hides it.
  if (entry.type === BROKEN_TYPE) return true;
  return isBookkeeping(entry) ? filter.showBookkeeping : filter.showRecords;
}

function picksTest(log: LogIndex, picks: ReadonlyMap<Dimension, string>): (index: number) => boolean {
  const tests = [...picks].map(([dimension, name]): ((index: number) => boolean) => {
    if (dimension === 'address') return (index) => log.entries[index].addresses.includes(name);
    const { names, codes } = log.columns[dimension];
    const code = names.indexOf(name);
    return (index) => codes[index] === code;
  });
  return (index) => tests.every((test) => test(index));
}

function queryTest(query: string): (entry: Entry) => boolean {
  if (query === '') return () => true;
  const pattern = queryPattern(query, 'iu');
  return (entry) => pattern.test(entry.searchText);
}
