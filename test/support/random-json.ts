import type { Dice } from './dice.ts';

/** Random JSON text that sits on the edges of the rules; most of it is valid, and every spelling of a thing comes up. */

/** First and last characters of each UTF-8 length, both sides of the surrogates, and letters that change under case mapping. */
const CHARS = [
  'a',
  'Z',
  '0',
  ' ',
  '/',
  '\u007f',
  '\u0080',
  '\u0085',
  '\u07ff',
  '\u0800',
  '\u2028',
  '\ud7ff',
  '\ue000',
  '\ufeff',
  '\uffff',
  '\u{10000}',
  '😀',
  '\u{10ffff}',
];
const GOOD_ESCAPES = [
  '\\"',
  '\\\\',
  '\\/',
  '\\b',
  '\\f',
  '\\n',
  '\\r',
  '\\t',
  '\\u0000',
  '\\u001f',
  '\\u0041',
  '\\u007F',
  '\\uFFFF',
  '\\ud83d\\ude00',
  '\\uDBFF\\uDFFF',
];
const BAD_PIECES = [
  '\\ud83d',
  '\\ude00',
  '\\ude00\\ud83d',
  '\\ud83d\\n',
  '\\uD83D😀',
  '\u0000',
  '\t',
  '\u001f',
  '\\x',
  '\\u12',
  '\\u00g0',
  '\\U0041',
  '\\',
];
const NUMBERS = [
  '0',
  '-0',
  '1',
  '-1',
  '10',
  '35',
  '60',
  '0.5',
  '-0.0',
  '1.0',
  '1e400',
  '-1E+400',
  '1e-400',
  '12345678901234567890',
  '9007199254740993',
  '1E2',
  '1e+02',
  '1767225600000',
];
const BAD_NUMBERS = ['01', '1.', '.5', '+1', '-', '1e', '1e+', '0x10', '1_000', 'NaN', 'Infinity', '--1', '00'];
const SPACES = [' ', '\t', '\r', '  ', ' \t '];
const LITERALS = ['true', 'false', 'null'];
const BAD_LITERALS = ['True', 'tru', 'nul', 'undefined', "'a'", ''];
/** Near each other in UTF-16 or UTF-8 order, prefixes of each other, and names that objects inherit. */
const KEYS = [
  'a',
  'b',
  'ab',
  'A',
  '',
  'user',
  'x.y',
  'level',
  'msg',
  'message',
  'constructor',
  'é',
  '\ue000',
  '\uff5e',
  '😀',
  '\u{10ffff}',
  'time',
];

/** Deep enough to cross the limit of 32 from both sides. */
const NESTED_MIN = 27;
const NESTED_SPREAD = 8;

export function randomSpace(dice: Dice): string {
  return dice.once(12) ? dice.pick(SPACES) : '';
}

/** What stands between the quotes. `badOnce`: one piece in so many breaks a rule. */
function randomContent(dice: Dice, badOnce: number): string {
  let text = '';
  for (let pieces = dice.once(40) ? dice.below(40) : dice.below(4); pieces > 0; pieces--) {
    if (dice.once(badOnce)) text += dice.pick(BAD_PIECES);
    else if (dice.once(3)) text += dice.pick(GOOD_ESCAPES);
    else text += dice.once(2) ? dice.pick(CHARS) : 'word';
  }
  return text;
}

export function randomString(dice: Dice): string {
  return `"${randomContent(dice, 150)}"`;
}

/** One of a few spellings of the same string. */
export function spell(dice: Dice, text: string): string {
  if (!dice.once(10)) return JSON.stringify(text);
  const at = dice.below(text.length + 1);
  const escapeUnit = (i: number): string => `\\u${text.charCodeAt(i).toString(16).padStart(4, '0')}`;
  let out = '';
  for (let i = 0; i < text.length; i++) out += i >= at ? escapeUnit(i) : JSON.stringify(text[i]).slice(1, -1);
  // Half of a pair as an escape and half as itself is malformed: spell all of it as escapes then.
  return out.isWellFormed() ? `"${out}"` : `"${Array.from({ length: text.length }, (_, i) => escapeUnit(i)).join('')}"`;
}

export function randomNumber(dice: Dice): string {
  if (dice.once(60)) return dice.pick(BAD_NUMBERS);
  return dice.once(2) ? dice.pick(NUMBERS) : String(dice.below(2 ** 32) - 2 ** 31);
}

function randomKey(dice: Dice): string {
  if (dice.once(150)) return '"__proto__"';
  if (dice.once(20)) return `"${randomContent(dice, 30)}"`;
  return spell(dice, dice.pick(KEYS));
}

/** Any JSON value with at most `depth` further levels inside. */
export function randomValue(dice: Dice, depth: number): string {
  if (dice.once(150)) return dice.pick(BAD_LITERALS);
  if (dice.once(150)) return randomNest(dice);
  const kind = dice.below(depth > 0 ? 6 : 4);
  if (kind < 2) return randomString(dice);
  if (kind === 2) return randomNumber(dice);
  if (kind === 3) return dice.pick(LITERALS);
  const space = randomSpace(dice);
  const items = Array.from({ length: dice.below(4) }, () => (kind === 4 ? randomValue(dice, depth - 1) : randomMember(dice, depth - 1)));
  const joined = items.join(`${randomSpace(dice)},${space}`);
  return kind === 4 ? `[${space}${joined}]` : `{${space}${joined}${space}}`;
}

export function randomMember(dice: Dice, depth: number): string {
  return `${randomKey(dice)}${randomSpace(dice)}:${randomSpace(dice)}${randomValue(dice, depth)}`;
}

/** Objects and arrays inside each other around the limit. */
function randomNest(dice: Dice): string {
  const levels = NESTED_MIN + dice.below(NESTED_SPREAD);
  const isObject = Array.from({ length: levels }, () => dice.once(3));
  const open = isObject.map((object) => (object ? '{"k":' : '[')).join('');
  const close = isObject.reverse().map((object) => (object ? '}' : ']'));
  return `${open}${dice.pick(['1', '[]', '""', '{}'])}${close.join('')}`;
}
