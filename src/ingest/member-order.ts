import { KEY_AT, KEY_END, type JsonTape } from './json-tape.ts';
import { VALUES_MAX } from './limits.ts';

/** Below this, insertion beats merging; typical events are here. Above, merging keeps hostile objects at n log n. */
const INSERTION_MEMBERS_MAX = 16;

const merged = new Int32Array(VALUES_MAX);

/**
 * Order of two keys by UTF-16 code units, from their canonical UTF-8 text. Bytes order as code points do; UTF-16 differs only
 * where a surrogate pair (U+10000 and above, lead byte 0xF0–0xF4) meets U+E000–U+FFFF (lead byte 0xEE or 0xEF).
 * Escapes keep the order: what they stand for (controls, `"` and `\`) is compared by the character, not by the backslash.
 */
export function compareKeys(tape: JsonTape, a: number, b: number): number {
  const { text, nodes } = tape;
  let atA = nodes[a + KEY_AT];
  let atB = nodes[b + KEY_AT];
  const endA = nodes[a + KEY_END];
  const endB = nodes[b + KEY_END];
  while (atA < endA && atB < endB) {
    const byteA = text[atA++];
    const byteB = text[atB++];
    if (byteA === byteB && byteA !== 0x5c) continue;
    if (byteA === 0x5c || byteB === 0x5c) {
      const unitA = byteA === 0x5c ? escapedUnit(text, atA) : byteA;
      const unitB = byteB === 0x5c ? escapedUnit(text, atB) : byteB;
      if (unitA !== unitB) return unitA - unitB;
      if (byteA === 0x5c) atA += escapeTail(text, atA);
      if (byteB === 0x5c) atB += escapeTail(text, atB);
    } else if (byteA >= 0xee && byteB >= 0xee && byteA >= 0xf0 !== byteB >= 0xf0) return byteB - byteA;
    else return byteA - byteB;
  }
  return endA - atA - (endB - atB);
}

/** The code unit behind a canonical backslash: `at` is just past it. */
function escapedUnit(text: Uint8Array, at: number): number {
  switch (text[at]) {
    case 0x62:
      return 0x08;
    case 0x74:
      return 0x09;
    case 0x6e:
      return 0x0a;
    case 0x66:
      return 0x0c;
    case 0x72:
      return 0x0d;
    case 0x75:
      return Number.parseInt(String.fromCharCode(text[at + 1], text[at + 2], text[at + 3], text[at + 4]), 16);
    default:
      return text[at];
  }
}

/** Bytes of an escape after its backslash. */
function escapeTail(text: Uint8Array, at: number): number {
  return text[at] === 0x75 ? 5 : 1;
}

/** Sorts `count` nodes of `list` from `from` by key, stably, in place. True when two of them have the same key. */
export function sortMembers(tape: JsonTape, list: Int32Array, from: number, count: number): boolean {
  return count <= INSERTION_MEMBERS_MAX ? sortByInsertion(tape, list, from, count) : sortByMerging(tape, list, from, count);
}

function sortByInsertion(tape: JsonTape, list: Int32Array, from: number, count: number): boolean {
  let hasEqual = false;
  for (let i = from + 1; i < from + count; i++) {
    const node = list[i];
    let to = i;
    while (to > from) {
      const order = compareKeys(tape, list[to - 1], node);
      if (order === 0) hasEqual = true;
      if (order <= 0) break;
      list[to] = list[to - 1];
      to--;
    }
    list[to] = node;
  }
  return hasEqual;
}

function sortByMerging(tape: JsonTape, list: Int32Array, from: number, count: number): boolean {
  let hasEqual = false;
  for (let start = 0; start < count; start += INSERTION_MEMBERS_MAX) {
    if (sortByInsertion(tape, list, from + start, Math.min(INSERTION_MEMBERS_MAX, count - start))) hasEqual = true;
  }
  for (let width = INSERTION_MEMBERS_MAX; width < count; width *= 2) {
    for (let start = 0; start < count; start += 2 * width) {
      const end = Math.min(start + 2 * width, count);
      if (mergeRuns(tape, list, from + start, from + Math.min(start + width, count), from + end, start)) hasEqual = true;
    }
    list.set(merged.subarray(0, count), from);
  }
  return hasEqual;
}

/**
 * Merges the sorted runs [a, middle) and [middle, end) of `list` into `merged` from `to`; equal keys keep their order. Two equal keys
 * of different runs come to stand at the heads together, so none is missed.
 */
function mergeRuns(tape: JsonTape, list: Int32Array, a: number, middle: number, end: number, to: number): boolean {
  let hasEqual = false;
  let b = middle;
  while (a < middle && b < end) {
    const order = compareKeys(tape, list[a], list[b]);
    if (order === 0) hasEqual = true;
    merged[to++] = order <= 0 ? list[a++] : list[b++];
  }
  while (a < middle) merged[to++] = list[a++];
  while (b < end) merged[to++] = list[b++];
  return hasEqual;
}
