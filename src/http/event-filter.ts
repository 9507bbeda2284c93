import { LEVELS } from '../kernel/levels.ts';

/** Which events a query wants; what is left out matches everything. */
export interface EventFilterQuery {
  /** This level and above. */
  readonly level?: string;
  readonly tenant?: string;
  /** Text in any value of the event, as it reads and not as JSON escapes it; capitals do not matter. */
  readonly q?: string;
}

declare global {
  interface JSON {
    /** ECMAScript 2026, not in TypeScript's library yet: the reviver is told the text a primitive was made from. */
    parse(text: string, reviver: (key: string, value: unknown, context: { readonly source?: string }) => unknown): unknown;
  }
}

/** Canonical payload → does the query want it. */
export function compileFilter(query: EventFilterQuery): (payload: string) => boolean {
  const levelMin = LEVELS.findIndex((level) => level === query.level);
  const needle = query.q?.toLowerCase() ?? '';
  // Escaping works by the character, so a payload without the escaped text has no value with the text: most are never parsed.
  const escaped = JSON.stringify(needle).slice(1, -1);
  const { tenant } = query;
  return (payload) => {
    if (needle !== '' && !payload.toLowerCase().includes(escaped)) return false;
    if (levelMin <= 0 && tenant === undefined && needle === '') return true;
    const texts: string[] = [];
    const event = JSON.parse(payload, (_key, value, { source }) => {
      if (typeof value === 'string') texts.push(value);
      // Numbers stand for themselves: parsed, large ones would lose their last digits.
      else if (source !== undefined) texts.push(source);
      return value;
    }) as { level?: string; tenant?: string };
    if (tenant !== undefined && event.tenant !== tenant) return false;
    if (LEVELS.findIndex((level) => level === event.level) < levelMin) return false;
    return needle === '' || texts.some((text) => text.toLowerCase().includes(needle));
  };
}
