import { parseAccessLine } from './access-line.ts';
import { parseApacheErrorLine } from './apache-error-line.ts';
import type { ParseLine } from './parsed-line.ts';
import { parsePlainLine } from './plain-line.ts';
import { parseSyslogLine } from './syslog-line.ts';

/** `ndjson`: one JSON event (ours, pino's, ECS) per line, sent unchanged. */
export const LINE_FORMATS = ['syslog', 'apache', 'access', 'ndjson', 'plain'] as const;
export type LineFormat = (typeof LINE_FORMATS)[number];

export function isLineFormat(value: string): value is LineFormat {
  return (LINE_FORMATS as readonly string[]).includes(value);
}

/** Line parsers of the formats that describe text; NDJSON is checked by the sidecar. */
export const LINE_PARSERS: Readonly<Record<Exclude<LineFormat, 'ndjson'>, ParseLine>> = {
  syslog: parseSyslogLine,
  apache: parseApacheErrorLine,
  access: parseAccessLine,
  plain: parsePlainLine,
};

/** Detection looks at no more lines than this. */
export const SAMPLE_LINES_MAX = 100;
/** A stack trace may hide most of its log's own lines. */
const SHARE_MIN = 0.2;

/** The format most of the sample's lines are in; `plain` when none fits a fifth of them. */
export function detectFormat(sampleLines: readonly string[]): LineFormat {
  const lines = sampleLines.filter((line) => line.trim() !== '').slice(0, SAMPLE_LINES_MAX);
  let best: LineFormat = 'plain';
  let bestCount = Math.max(1, lines.length * SHARE_MIN);
  for (const [format, matches] of CANDIDATES) {
    const count = lines.filter(matches).length;
    if (count > bestCount || (count === bestCount && best === 'plain')) [best, bestCount] = [format, count];
  }
  return best;
}

const CANDIDATES: readonly (readonly [LineFormat, (line: string) => boolean])[] = [
  ['ndjson', isJsonObject],
  ['syslog', (line) => parseSyslogLine(line) !== undefined],
  ['apache', (line) => parseApacheErrorLine(line) !== undefined],
  ['access', (line) => parseAccessLine(line) !== undefined],
];

function isJsonObject(line: string): boolean {
  if (!/^\ufeff?\s*\{/.test(line)) return false;
  try {
    JSON.parse(line.replace(/^\ufeff/, ''));
    return true;
  } catch {
    // A broken line of an NDJSON file: the sidecar names the fault, so the rest of the sample decides.
    return false;
  }
}
