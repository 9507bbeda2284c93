import { CHILDREN, CHILDREN_AT, KEY_AT, KEY_END, KIND, KIND_ARRAY, KIND_OBJECT, VALUE_AT, VALUE_END, type JsonTape } from './json-tape.ts';

const OUT_BYTES_AT_LEAST = 256 * 1024;
/** Kept between calls; a larger buffer was grown for one unusual request and is dropped. */
const OUT_BYTES_KEPT = 16 * 1024 * 1024;
/** Below this a loop copies faster than a call into native code (measured: equal at about 60 bytes). */
const LOOP_COPY_BYTES_MAX = 60;

/**
 * What a canonical event may take beyond its source: our longer names for aliases, a level written out, `attributes` around foreign
 * fields, an added message and level attribute. Strings never grow (RFC 8785 has the shortest escapes) and white space only goes.
 */
const CANONICAL_EXTRA_BYTES = 256;

/** Growing bytes that canonical events are written into; reused from request to request. */
export class EventWriter {
  bytes = new Uint8Array(OUT_BYTES_AT_LEAST);
  end = 0;

  begin(): void {
    if (this.bytes.length > OUT_BYTES_KEPT) this.bytes = new Uint8Array(OUT_BYTES_AT_LEAST);
    this.end = 0;
  }

  /** Makes room for the canonical form of an event of `sourceBytes`, so that writing it needs no checks. */
  reserve(sourceBytes: number): void {
    const needed = this.end + sourceBytes + CANONICAL_EXTRA_BYTES;
    if (needed <= this.bytes.length) return;
    const larger = new Uint8Array(Math.max(this.bytes.length * 2, needed));
    larger.set(this.bytes.subarray(0, this.end));
    this.bytes = larger;
  }

  /** A copy in a buffer of exactly its size, free to be moved to another thread. */
  copy(): Uint8Array<ArrayBuffer> {
    return this.bytes.slice(0, this.end);
  }
}

/** Copies from[at, end) to `to` at `out`; the offset past it. */
export function writeBytes(to: Uint8Array, out: number, from: Uint8Array, at: number, end: number): number {
  if (end - at > LOOP_COPY_BYTES_MAX) {
    to.set(from.subarray(at, end), out);
    return out + end - at;
  }
  while (at < end) to[out++] = from[at++];
  return out;
}

/** Canonical text of a node's value. */
export function writeValue(to: Uint8Array, out: number, tape: JsonTape, node: number): number {
  const { nodes, lists } = tape;
  const kind = nodes[node + KIND];
  if (kind === KIND_OBJECT) return writeMembers(to, out, tape, lists, nodes[node + CHILDREN_AT], nodes[node + CHILDREN]);
  if (kind !== KIND_ARRAY) return writeBytes(to, out, tape.text, nodes[node + VALUE_AT], nodes[node + VALUE_END]);
  const from = nodes[node + CHILDREN_AT];
  const count = nodes[node + CHILDREN];
  to[out++] = 0x5b;
  for (let i = 0; i < count; i++) {
    if (i > 0) to[out++] = 0x2c;
    out = writeValue(to, out, tape, lists[from + i]);
  }
  to[out++] = 0x5d;
  return out;
}

/** An object of the `count` members that stand in `list` from `from`, in that order. */
export function writeMembers(to: Uint8Array, out: number, tape: JsonTape, list: Int32Array, from: number, count: number): number {
  const { nodes, text } = tape;
  to[out++] = 0x7b;
  for (let i = 0; i < count; i++) {
    const node = list[from + i];
    if (i > 0) to[out++] = 0x2c;
    to[out++] = 0x22;
    out = writeBytes(to, out, text, nodes[node + KEY_AT], nodes[node + KEY_END]);
    to[out++] = 0x22;
    to[out++] = 0x3a;
    out = writeValue(to, out, tape, node);
  }
  to[out++] = 0x7d;
  return out;
}
