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

const CODES = new Map<string, number>();
for (const level of LEVELS.slice(1)) CODES.set(level, LEVELS.indexOf(level));
for (const [synonym, level] of Object.entries(SYNONYMS)) CODES.set(synonym, LEVELS.indexOf(level));
const SPELLING_BYTES_MAX = Math.max(...[...CODES.keys()].map((name) => name.length));

/** pino numbers its levels 10 (trace) to 60 (fatal). */
const PINO_MIN = 10;
const PINO_MAX = 60;

export const LEVEL_REASON = 'must be trace, debug, info, warn, error or fatal, or a pino level from 10 to 60';

/** Index into LEVELS of what the node says, or −1. */
export function levelCode(tape: JsonTape, node: number): number {
  const at = tape.nodes[node + VALUE_AT];
  const end = tape.nodes[node + VALUE_END];
  if (tape.nodes[node + KIND] === KIND_STRING) {
    if (end - at - 2 > SPELLING_BYTES_MAX) return -1;
    let word = '';
    for (let i = at + 1; i < end - 1; i++) word += String.fromCharCode(tape.text[i]);
    return CODES.get(word) ?? CODES.get(word.toLowerCase()) ?? -1;
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
