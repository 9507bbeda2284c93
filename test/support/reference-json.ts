/**
 * JSON the slow and obvious way: recursive descent over text to a tree that keeps number tokens as written. Written from
 * docs/events.md and docs/formats/ledger.md, without a look at the scanner that it judges.
 */
export type JsonTree =
  | { readonly kind: 'object'; readonly members: ReadonlyMap<string, JsonTree> }
  | { readonly kind: 'array'; readonly items: readonly JsonTree[] }
  | { readonly kind: 'string'; readonly text: string }
  | { readonly kind: 'number' | 'literal'; readonly token: string };

/** Keys and indices from the event down to a value. */
type Path = readonly (string | number)[];

/** Something in valid JSON that we refuse all the same. */
export interface Flaw {
  readonly field: string;
  readonly reason: string;
}

export class NotJsonError extends Error {}

/** A value inside more objects and arrays than are allowed; `field` is its path. */
export class TooDeepError extends Error {
  readonly field: string;
  constructor(field: string) {
    super(`nested deeper than ${DEPTH_MAX}`);
    this.field = field;
  }
}

const DEPTH_MAX = 32;
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const ESCAPES: Readonly<Record<string, string>> = { '"': '"', '\\': '\\', '/': '/', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' };

/** `['attributes', 'tags', 2]` → `attributes.tags[2]`; keys in their JSON escapes. */
export function toField(path: Path): string {
  return path
    .map((step, i) => (typeof step === 'number' ? `[${step}]` : `${i === 0 ? '' : '.'}${toJsonString(step).slice(1, -1)}`))
    .join('');
}

/** RFC 8785 section 3.2.2.2 is what JSON.stringify does, and lone surrogates as escapes, so that they can be named. */
function toJsonString(text: string): string {
  return JSON.stringify(text);
}

export function toCanonical(tree: JsonTree): string {
  if (tree.kind === 'string') return toJsonString(tree.text);
  if (tree.kind === 'array') return `[${tree.items.map((item) => toCanonical(item)).join(',')}]`;
  if (tree.kind !== 'object') return tree.token;
  const keys = [...tree.members.keys()].sort();
  return `{${keys.map((key) => `${toJsonString(key)}:${toCanonical(tree.members.get(key) as JsonTree)}`).join(',')}}`;
}

export class ReferenceReader {
  readonly text: string;
  at = 0;
  /** What is refused in the values read so far. */
  flaws: Flaw[] = [];

  constructor(text: string) {
    this.text = text;
  }

  skipSpace(): void {
    while (this.at < this.text.length && ' \t\n\r'.includes(this.text[this.at])) this.at++;
  }

  /** Takes `char` if it comes next. */
  take(char: string): boolean {
    if (this.text[this.at] !== char) return false;
    this.at++;
    return true;
  }

  isAtEnd(): boolean {
    return this.at === this.text.length;
  }

  /** The value that begins here, inside `depth` − 1 objects and arrays. */
  value(path: Path, depth: number): JsonTree {
    const char = this.text[this.at];
    if (char === '{' || char === '[') {
      if (depth > DEPTH_MAX) throw new TooDeepError(toField(path));
      this.at++;
      return char === '{' ? this.#object(path, depth) : this.#array(path, depth);
    }
    if (char === '"') return { kind: 'string', text: this.#string(path) };
    for (const token of ['true', 'false', 'null']) {
      if (this.text.startsWith(token, this.at)) {
        this.at += token.length;
        return { kind: 'literal', token };
      }
    }
    NUMBER.lastIndex = this.at;
    const token = NUMBER.exec(this.text)?.[0];
    if (token === undefined) throw new NotJsonError(`no value at ${this.at}`);
    this.at += token.length;
    // A fraction or an exponent that was begun belongs to the number and must have digits.
    if (this.text[this.at] === '.' && /^-?[0-9]+$/.test(token)) throw new NotJsonError(`no fraction at ${this.at}`);
    if (/[eE]/.test(this.text[this.at] ?? '') && !/[eE]/.test(token)) throw new NotJsonError(`no exponent at ${this.at}`);
    return { kind: 'number', token };
  }

  #object(path: Path, depth: number): JsonTree {
    const members = new Map<string, JsonTree>();
    this.skipSpace();
    if (this.take('}')) return { kind: 'object', members };
    for (;;) {
      this.skipSpace();
      if (this.text[this.at] !== '"') throw new NotJsonError(`no key at ${this.at}`);
      const key = this.#key(path);
      const field = toField([...path, key]);
      this.skipSpace();
      if (!this.take(':')) throw new NotJsonError(`no colon at ${this.at}`);
      if (key === '__proto__') this.flaws.push({ field, reason: 'this key is not allowed' });
      if (members.has(key)) this.flaws.push({ field, reason: 'duplicate key' });
      this.skipSpace();
      const value = this.value([...path, key], depth + 1);
      if (!members.has(key)) members.set(key, value);
      this.skipSpace();
      if (this.take('}')) return { kind: 'object', members };
      if (!this.take(',')) throw new NotJsonError(`no comma at ${this.at}`);
    }
  }

  #array(path: Path, depth: number): JsonTree {
    const items: JsonTree[] = [];
    this.skipSpace();
    if (this.take(']')) return { kind: 'array', items };
    for (;;) {
      this.skipSpace();
      items.push(this.value([...path, items.length], depth + 1));
      this.skipSpace();
      if (this.take(']')) return { kind: 'array', items };
      if (!this.take(',')) throw new NotJsonError(`no comma at ${this.at}`);
    }
  }

  /** A key is named by its own path, which is known only once it has been read. */
  #key(path: Path): string {
    const before = this.flaws;
    this.flaws = [];
    const key = this.#string([]);
    const field = toField([...path, key]);
    this.flaws = [...before, ...this.flaws.map(({ reason }) => ({ field, reason }))];
    return key;
  }

  #string(path: Path): string {
    let text = '';
    let hasControl = false;
    this.at++;
    for (;;) {
      if (this.isAtEnd()) throw new NotJsonError('the string has no end');
      const char = this.text[this.at++];
      if (char === '"') break;
      if (char < ' ') hasControl = true;
      text += char === '\\' ? this.#escape() : char;
    }
    if (hasControl) this.flaws.push({ field: toField(path), reason: 'raw control character' });
    if (!text.isWellFormed()) this.flaws.push({ field: toField(path), reason: 'lone surrogate' });
    return text;
  }

  #escape(): string {
    const char = this.text[this.at++] ?? '';
    if (char === 'u') {
      const digits = this.text.slice(this.at, this.at + 4);
      if (!/^[0-9a-fA-F]{4}$/.test(digits)) throw new NotJsonError(`no four hex digits at ${this.at}`);
      this.at += 4;
      return String.fromCharCode(Number.parseInt(digits, 16));
    }
    if (!Object.hasOwn(ESCAPES, char)) throw new NotJsonError(`no escape at ${this.at}`);
    return ESCAPES[char];
  }
}
