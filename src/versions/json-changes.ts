import { isDeepStrictEqual } from 'node:util';
import type { VersionDiff } from './ports.ts';

type Change = NonNullable<VersionDiff['changes']>[number];

/** Changes that are listed. */
const CHANGES_MAX = 1000;
/** Deeper down, values are compared as wholes. */
const DEPTH_MAX = 100;

/** What was added, removed and replaced between two JSON values: members by name, elements by place. */
export function jsonChanges(before: unknown, after: unknown): { readonly changes: readonly Change[]; readonly isCapped: boolean } {
  const changes: Change[] = [];
  collect(before, after, '', 0, changes);
  return { changes: changes.slice(0, CHANGES_MAX), isCapped: changes.length > CHANGES_MAX };
}

function collect(before: unknown, after: unknown, path: string, depth: number, changes: Change[]): void {
  if (changes.length > CHANGES_MAX || isDeepStrictEqual(before, after)) return;
  const isSameKind = isContainer(before) && isContainer(after) && Array.isArray(before) === Array.isArray(after);
  if (!isSameKind || depth === DEPTH_MAX) {
    changes.push({ op: 'replace', path, old: before, new: after });
    return;
  }
  const [old, next] = [new Map(Object.entries(before)), new Map(Object.entries(after))];
  for (const [key, value] of old) {
    const at = `${path}/${escape(key)}`;
    if (next.has(key)) collect(value, next.get(key), at, depth + 1, changes);
    else changes.push({ op: 'remove', path: at, old: value });
  }
  for (const [key, value] of next) if (!old.has(key)) changes.push({ op: 'add', path: `${path}/${escape(key)}`, new: value });
}

function isContainer(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

/** RFC 6901, section 3. */
function escape(key: string): string {
  return key.replaceAll('~', '~0').replaceAll('/', '~1');
}
