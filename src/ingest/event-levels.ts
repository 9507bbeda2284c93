import { LEVELS } from '../kernel/levels.ts';
import { KIND, KIND_NUMBER, KIND_STRING, VALUE_AT, VALUE_END, type JsonTape } from './json-tape.ts';

/** Other spellings of the six levels, as syslog and common loggers write them. */
const SYNONYMS: Readonly<Record<string, (typeof LEVELS)[number]>> = {
  warning: 'warn',
  err: 'error',
  notice: 'info',
  information: 'info',
  critical: 'fatal',
  crit: 'fatal',
  alert: 'fatal',
  emerg: 'fatal',
  panic: 'fatal',
};

interface Spelling {
  /** Lower-case ASCII letters. */
  readonly bytes: Uint8Array;
  /** Index into LEVELS. */
  readonly code: number;
}

/** Spellings by length in bytes: a level is compared with few of them. */
const BY_LENGTH: Spelling[][] = [];
for (const [word, level] of [...LEVELS.slice(1).map((level) => [level, level] as const), ...Object.entries(SYNONYMS)]) {
  (BY_LENGTH[word.length] ??= []).push({ bytes: new TextEncoder().encode(word), code: LEVELS.indexOf(level) });
}

/** pino numbers its levels 10 (trace) to 60 (fatal). */
const PINO_MIN = 10;
const PINO_MAX = 60;

export const LEVEL_REASON = 'must be trace, debug, info, warn, error or fatal, or a pino level from 10 to 60';

/** Index into LEVELS of what the node says, or −1. */
export function levelCode(tape: JsonTape, node: number): number {
  const at = tape.nodes[node + VALUE_AT];
  const end = tape.nodes[node + VALUE_END];
  if (tape.nodes[node + KIND] === KIND_STRING) {
    for (const spelling of BY_LENGTH[end - at - 2] ?? []) if (isSpelling(tape.text, at + 1, spelling.bytes)) return spelling.code;
    return -1;
  }
  const value = pinoLevel(tape, node);
  return value === undefined ? -1 : Math.floor(value / 10);
}

/** The number of a pino level: two plain digits, 10 to 60. */
export function pinoLevel(tape: JsonTape, node: number): number | undefined {
  const at = tape.nodes[node + VALUE_AT];
  if (tape.nodes[node + KIND] !== KIND_NUMBER || tape.nodes[node + VALUE_END] - at !== 2) return undefined;
  const value = (tape.text[at] - 0x30) * 10 + tape.text[at + 1] - 0x30;
  return value >= PINO_MIN && value <= PINO_MAX && tape.text[at] !== 0x2d ? value : undefined;
}

/** ASCII case is ignored: setting bit 5 makes a letter of either case lower-case, and turns nothing else into a letter. */
function isSpelling(text: Uint8Array, at: number, word: Uint8Array): boolean {
  for (let i = 0; i < word.length; i++) if ((text[at + i] | 0x20) !== word[i]) return false;
  return true;
}
