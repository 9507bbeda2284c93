import { concat, utf8 } from '../../src/kernel/bytes.ts';
import type { Dice } from './dice.ts';
import { randomMember, randomNumber, randomSpace, randomString, randomValue, spell } from './random-json.ts';

export interface RandomBody {
  readonly framing: 'json' | 'ndjson';
  readonly body: Uint8Array;
}

const NAME_FIELDS = ['tenant', 'source', 'service.name', 'actor', 'traceId', 'trace.id', 'trace_id', 'spanId', 'span.id', 'span_id'];
const LEVEL_FIELDS = ['level', 'log.level', 'severityText'];
const TIME_FIELDS = ['time', '@timestamp', 'timestamp'];
const LEVELS = [
  'trace',
  'DEBUG',
  'Info',
  'warn',
  'error',
  'fatal',
  'warning',
  'ERR',
  'notice',
  'information',
  'critical',
  'crit',
  'alert',
  'emerg',
  'Panic',
];
const BAD_LEVELS = ['', 'none', 'verbose', 'inf', 'info ', 'ınfo', '30', 'warnings'];
const LEVEL_NUMBERS = ['10', '20', '30', '35', '40', '50', '59', '60', '11'];
const BAD_LEVEL_NUMBERS = ['9', '61', '0', '30.0', '3e1', '-30', '30.5', '100', '1e400', '10000000000000000000000'];
const TIMES = [
  '2026-01-01T00:00:00Z',
  '2024-02-29t23:59:60.123z',
  '2000-02-29T12:00:00+14:00',
  '0000-01-01T00:00:00-00:00',
  '9999-12-31T23:59:59.999999999999Z',
];
const BAD_TIMES = [
  '',
  '2026-02-29T00:00:00Z',
  '1900-02-29T00:00:00Z',
  '2026-13-01T00:00:00Z',
  '2026-00-01T00:00:00Z',
  '2026-04-31T00:00:00Z',
  '2026-01-00T00:00:00Z',
  '2026-01-01T24:00:00Z',
  '2026-01-01T00:60:00Z',
  '2026-01-01T00:00:61Z',
  '2026-01-01T00:00:00',
  '2026-01-01 00:00:00Z',
  '2026-01-01T00:00:00.Z',
  '2026-01-01T00:00:00+24:00',
  '2026-01-01T00:00:00+00:60',
  '2026-01-01T00:00:00+0000',
  '2026-01-01T00:00:00Zz',
  '2026-1-1T00:00:00Z',
  '٢٠٢٦-01-01T00:00:00Z',
];
const NAME_LENGTHS = [1, 2, 127, 128, 129, 255, 256, 257];
const BREAKS = ['\n', '\n', '\n', '\n', '\n', '\n', '\n', '\r\n', '\n\n', '\n \n', '', '\r'];
const BYTES = [
  0, 9, 10, 13, 0x1f, 0x20, 0x22, 0x27, 0x2c, 0x2d, 0x2e, 0x30, 0x3a, 0x45, 0x5b, 0x5c, 0x5d, 0x65, 0x75, 0x7b, 0x7d, 0x7f, 0x80, 0xbf,
  0xc0, 0xe2, 0xed, 0xef, 0xf0, 0xf4, 0xff,
];
const SOUP = [
  '{',
  '}',
  '[',
  ']',
  ',',
  ':',
  '"',
  '\\',
  '"message"',
  '"a"',
  '1',
  '-',
  'null',
  ' ',
  '\n',
  '\r',
  '0',
  '.',
  'e',
  '"tenant":"t"',
  '{"message":"a"}',
  '\ufeff',
  '😀',
];

function randomName(dice: Dice): string {
  if (dice.once(30)) return randomValue(dice, 1);
  if (dice.once(20)) return `"${dice.pick(['t', 'é', '😀', '\\u0041']).repeat(dice.pick(NAME_LENGTHS))}"`;
  return dice.once(4) ? randomString(dice) : JSON.stringify(dice.pick(['acme', 'globex', 'initech']));
}

function randomLevel(dice: Dice): string {
  if (dice.once(20)) return dice.once(2) ? spell(dice, dice.pick(BAD_LEVELS)) : dice.pick(BAD_LEVEL_NUMBERS);
  if (dice.once(40)) return randomValue(dice, 1);
  return dice.once(2) ? spell(dice, dice.pick(LEVELS)) : dice.pick(LEVEL_NUMBERS);
}

function randomTime(dice: Dice): string {
  if (dice.once(20)) return spell(dice, dice.pick(BAD_TIMES));
  if (dice.once(40)) return randomValue(dice, 1);
  return dice.once(3) ? randomNumber(dice) : spell(dice, dice.pick(TIMES));
}

function randomEvent(dice: Dice): string {
  const members: string[] = [];
  const add = (key: string, value: string): number => members.push(`${randomSpace(dice)}${spell(dice, key)}:${randomSpace(dice)}${value}`);
  if (!dice.once(40)) add(dice.once(4) ? 'msg' : 'message', dice.once(40) ? randomValue(dice, 1) : randomString(dice));
  if (dice.once(2)) add(dice.once(2) ? 'level' : dice.pick(LEVEL_FIELDS), randomLevel(dice));
  if (dice.once(3)) add(dice.pick(TIME_FIELDS), randomTime(dice));
  for (let names = dice.below(3); names > 0; names--) add(dice.once(2) ? 'tenant' : dice.pick(NAME_FIELDS), randomName(dice));
  for (let others = dice.below(3); others > 0; others--) members.push(randomMember(dice, 3));
  if (dice.once(4)) {
    const inside = Array.from({ length: dice.below(4) }, () => randomMember(dice, 2)).join(',');
    add('attributes', dice.once(25) ? randomValue(dice, 1) : `{${inside}}`);
  }
  if (dice.once(80)) members.push(dice.pick(members.length > 0 ? members : ['']));
  for (let i = members.length - 1; i > 0; i--) {
    const j = dice.below(i + 1);
    [members[i], members[j]] = [members[j], members[i]];
  }
  if (dice.once(100)) members.push('');
  return `{${members.join(`${randomSpace(dice)},`)}${randomSpace(dice)}}`;
}

function randomItem(dice: Dice): string {
  return dice.once(60) ? randomValue(dice, 2) : randomEvent(dice);
}

/** Around the largest payload that fits: a few bytes below, at and above it. */
function largeEvent(dice: Dice): string {
  return `{"message":"${'m'.repeat(65_380 + dice.below(40))}","n":1}`;
}

function toText(dice: Dice, framing: 'json' | 'ndjson'): string {
  if (dice.once(50)) return Array.from({ length: dice.below(12) }, () => dice.pick(SOUP)).join('');
  if (dice.once(1500)) return largeEvent(dice);
  if (framing === 'json' && dice.once(2)) return `${randomSpace(dice)}${randomItem(dice)}${randomSpace(dice)}`;
  const items = Array.from(
    { length: dice.once(60) ? 0 : 1 + dice.below(3) },
    () => `${randomSpace(dice)}${randomItem(dice)}${randomSpace(dice)}`,
  );
  if (framing === 'json') return `[${items.join(',')}]${randomSpace(dice)}`;
  return items.map((item, i) => (i === items.length - 1 && dice.once(3) ? item : `${item}${dice.pick(BREAKS)}`)).join('');
}

/** One change that a network, an editor or an enemy makes. */
function mutate(dice: Dice, bytes: Uint8Array): Uint8Array {
  const at = dice.below(bytes.length + 1);
  const kind = dice.below(5);
  if (kind === 0) return bytes.subarray(0, at);
  if (kind === 1) return concat(bytes.subarray(0, at), Uint8Array.of(dice.pick(BYTES)), bytes.subarray(at));
  if (kind === 2) return concat(bytes.subarray(0, at), bytes.subarray(at + 1 + dice.below(3)));
  const changed = bytes.slice();
  if (at < changed.length) changed[at] = kind === 3 ? changed[at] ^ (1 << dice.below(8)) : dice.pick(BYTES);
  return changed;
}

export function randomBody(dice: Dice): RandomBody {
  const framing = dice.once(2) ? 'json' : 'ndjson';
  const text = toText(dice, framing);
  let body = utf8(dice.once(300) ? `\ufeff${text}` : text);
  if (dice.once(6)) for (let changes = 1 + dice.below(2); changes > 0; changes--) body = mutate(dice, body);
  // Framing and content that do not belong together are a common mistake of producers.
  return { framing: dice.once(30) ? 'ndjson' : framing, body };
}
