import type { Level } from '../kernel/levels.ts';
import { parseIsoTime } from './iso-time.ts';
import type { ParsedLine } from './parsed-line.ts';

const LEVEL_WORDS: ReadonlyMap<string, Level> = new Map([
  ['TRACE', 'trace'],
  ['DEBUG', 'debug'],
  ['INFO', 'info'],
  ['NOTICE', 'info'],
  ['WARN', 'warn'],
  ['WARNING', 'warn'],
  ['ERROR', 'error'],
  ['FATAL', 'fatal'],
  ['CRITICAL', 'fatal'],
]);

/** Capital letters only: "INFO", "[WARN]", "ERROR:". An "error" in running text is no level. */
const LEVEL_WORD = /^\s*[[(]?([A-Z]{4,8})[\])]?[:\s|-]/;

/** Any text. A time at the start of the line is read, and a level word in capitals directly after it. */
export function parsePlainLine(text: string): ParsedLine {
  const opened = text.startsWith('[') ? 1 : 0;
  const stamp = parseIsoTime(text.slice(opened));
  const end = stamp === undefined ? 0 : opened + stamp.length + (opened === 1 && text[opened + stamp.length] === ']' ? 1 : 0);
  const word = LEVEL_WORD.exec(`${text.slice(end, end + 16)} `);
  return { message: text, time: stamp?.time, level: LEVEL_WORDS.get(word?.[1] ?? ''), attributes: {} };
}
