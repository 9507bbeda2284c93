/** The closed set of levels, in ascending order; the index is the code that crosses the worker boundary. */
export const LEVELS = ['none', 'trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const;

/** `none`: the producer gave no level. It never appears in a stored event, only in counts and filters. */
export type Level = (typeof LEVELS)[number];

export function isLevel(value: unknown): value is Level {
  return (LEVELS as readonly unknown[]).includes(value);
}
