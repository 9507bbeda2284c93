import { toQuotable } from './fault-list.ts';
import { PATH_CHARS_MAX, QUOTED_CHARS_MAX, VALUES_MAX } from './limits.ts';

/** Layout of a node: NODE_INTS integers in `nodes`; a node is named by the index of its first one. */
export const NODE_INTS = 8;
/** Key text without quotes, [KEY_AT, KEY_END) in `text`; for an array element KEY_AT is -1 − its index. */
export const KEY_AT = 0;
export const KEY_END = 1;
/** Canonical value text, [VALUE_AT, VALUE_END) in `text`, quotes included. For objects and arrays: the source text. */
export const VALUE_AT = 2;
export const VALUE_END = 3;
export const KIND = 4;
/** Members or elements: CHILDREN entries of `lists` from CHILDREN_AT; an object's members are sorted by key. */
export const CHILDREN_AT = 5;
export const CHILDREN = 6;
export const PARENT = 7;

export const KIND_STRING = 1;
export const KIND_NUMBER = 2;
export const KIND_LITERAL = 3;
export const KIND_OBJECT = 4;
export const KIND_ARRAY = 5;

/** No node: the parent of the root. */
export const NONE = -1;

/** No character takes more bytes in canonical text than a six-byte escape; the one more tells that there is more to show. */
const QUOTED_BYTES_MAX = 6 * (QUOTED_CHARS_MAX + 1);

/** Escaping never makes a string longer than its source; what is left is room for one key that mapping adds. */
const ARENA_SPARE_BYTES = 64;
/** Kept between calls: twice the HTTP layer's body limit of 8 MiB. Anything larger is dropped after use. */
const TEXT_BYTES_KEPT = 2 * 8 * 1024 * 1024 + 1 + ARENA_SPARE_BYTES;
const TEXT_BYTES_AT_LEAST = 64 * 1024;

/**
 * One event as scanned: flat arrays instead of objects, reused for every event of every request. `text` holds the body, one
 * sentinel byte, then the strings whose source was not canonical.
 */
export class JsonTape {
  text = new Uint8Array(TEXT_BYTES_AT_LEAST);
  bodyEnd = 0;
  arenaEnd = 0;
  /** Room for one node more than the values of an event: mapping may add one. */
  readonly nodes = new Int32Array((VALUES_MAX + 1) * NODE_INTS);
  nodesEnd = 0;
  readonly lists = new Int32Array(VALUES_MAX);
  listsEnd = 0;

  /** Takes a copy of the body; the sentinel must be a byte that ends every token and every string. */
  load(body: Uint8Array, sentinel: number): void {
    const bytes = body.length * 2 + 1 + ARENA_SPARE_BYTES;
    if (this.text.length < bytes) this.text = new Uint8Array(bytes);
    this.text.set(body);
    this.text[body.length] = sentinel;
    this.bodyEnd = body.length;
    this.reset();
  }

  /** Forgets the event before. */
  reset(): void {
    this.arenaEnd = this.bodyEnd + 1;
    this.nodesEnd = 0;
    this.listsEnd = 0;
  }

  parentOf(node: number): number {
    return this.nodes[node + PARENT];
  }

  /** A new node with the value of another and a key of our own (ASCII). The arena keeps room for one such key. */
  rename(node: number, parent: number, key: string): number {
    const copy = this.nodesEnd;
    this.nodesEnd += NODE_INTS;
    this.nodes.copyWithin(copy, node, node + NODE_INTS);
    this.nodes[copy + PARENT] = parent;
    this.nodes[copy + KEY_AT] = this.arenaEnd;
    for (let i = 0; i < key.length; i++) this.text[this.arenaEnd++] = key.charCodeAt(i);
    this.nodes[copy + KEY_END] = this.arenaEnd;
    return copy;
  }

  /** Path of a node as the producer wrote it, like `attributes.tags[2]`, shortened; '' for the root. */
  pathOf(node: number): string {
    let path = '';
    for (let at = node; at !== NONE && this.parentOf(at) !== NONE; at = this.parentOf(at)) {
      path = this.#stepOf(at) + path;
    }
    if (path.startsWith('.')) path = path.slice(1);
    return path.length <= PATH_CHARS_MAX ? path : `${path.slice(0, PATH_CHARS_MAX - 1).toWellFormed()}…`;
  }

  #stepOf(node: number): string {
    const keyAt = this.nodes[node + KEY_AT];
    if (keyAt < 0) return `[${-1 - keyAt}]`;
    return `.${toQuotable(this.#decode(keyAt, Math.min(this.nodes[node + KEY_END], keyAt + QUOTED_BYTES_MAX)))}`;
  }

  /** A string node's text as JavaScript has it. */
  textOf(node: number): string {
    const source = this.#decode(this.nodes[node + VALUE_AT], this.nodes[node + VALUE_END]);
    return source.includes('\\') ? String(JSON.parse(source)) : source.slice(1, -1);
  }

  #decode(at: number, end: number): string {
    return Buffer.from(this.text.buffer, at, end - at).toString('utf8');
  }

  unload(): void {
    if (this.text.length > TEXT_BYTES_KEPT) this.text = new Uint8Array(TEXT_BYTES_AT_LEAST);
  }
}
