import { LEVELS } from '../../../kernel/levels.ts';
import { isEvent } from './entry.ts';
import { topOf, type LogIndex } from './log-index.ts';
import type { StackBy } from './store.ts';

/** How bars are stacked: group 0 is drawn at the bottom. */
export interface Stack {
  readonly by: StackBy;
  /** Shown name, CSS colour variable and the value to filter by (undefined for the rest). */
  readonly groups: readonly { readonly label: string; readonly color: string; readonly pick: string | undefined }[];
  /** Per entry: index into groups. */
  readonly groupOf: Uint8Array;
}

/** As many hues as people tell apart in stacked bars; everything else is one grey group. */
const GROUPS_MAX = 6;

export function levelColor(level: number): string {
  return `var(--level-${LEVELS[level]})`;
}

/**
 * Levels from harmless (bottom) to fatal (top); other dimensions by frequency in the whole log, the most frequent at the bottom:
 * a colour keeps its meaning while filters change.
 */
export function chooseGroups(log: LogIndex, by: StackBy): Stack {
  if (by === 'level') {
    const groups = LEVELS.map((level, i) => ({ label: level === 'none' ? 'no level' : level, color: levelColor(i), pick: level }));
    return { by, groups, groupOf: Uint8Array.from(log.columns.level.codes) };
  }
  const { names, codes } = log.columns[by];
  const top = topOf(
    log,
    by,
    log.order.received.filter((index) => isEvent(log.entries[index])),
    GROUPS_MAX,
  );
  const groups: Stack['groups'][number][] = top.map(({ name }, i) => ({ label: name, color: `var(--series-${i + 1})`, pick: name }));
  groups.push({ label: 'everything else', color: 'var(--series-rest)', pick: undefined });
  const groupOfCode = Uint8Array.from(names, (name) => {
    const at = top.findIndex((group) => group.name === name);
    return at < 0 ? top.length : at;
  });
  return { by, groups, groupOf: Uint8Array.from(codes, (code) => groupOfCode[code]) };
}
