import { KIND, KIND_ARRAY, KIND_OBJECT, CHILDREN, CHILDREN_AT, KEY_AT, KEY_END, VALUE_AT, VALUE_END, type JsonTape } from './json-tape.ts';

const OUT_BYTES_AT_LEAST = 256 * 1024;
/** Kept between calls; a larger buffer was grown for one unusual request and is dropped. */
const OUT_BYTES_KEPT = 16 * 1024 * 1024;
/** Below this a loop copies faster than a call into native code. */
const LOOP_COPY_BYTES_MAX = 48;

/** Growing bytes that canonical events are written into; reused from request to request. */
export class EventWriter {
  #bytes = new Uint8Array(OUT_BYTES_AT_LEAST);
  end = 0;

  begin(): void {
    if (this.#bytes.length > OUT_BYTES_KEPT) this.#bytes = new Uint8Array(OUT_BYTES_AT_LEAST);
    this.end = 0;
  }

  /** A copy in a buffer of exactly its size, free to be moved to another thread. */
  copy(): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(0, this.end);
  }

  byte(value: number): void {
    if (this.end === this.#bytes.length) this.#grow(1);
    this.#bytes[this.end++] = value;
  }

  bytes(from: Uint8Array, at: number, end: number): void {
    const length = end - at;
    if (this.end + length > this.#bytes.length) this.#grow(length);
    if (length > LOOP_COPY_BYTES_MAX) this.#bytes.set(from.subarray(at, end), this.end);
    else for (let i = 0; i < length; i++) this.#bytes[this.end + i] = from[at + i];
    this.end += length;
  }

  /** `"key":value` of a node. */
  member(tape: JsonTape, node: number): void {
    this.byte(0x22);
    this.bytes(tape.text, tape.nodes[node + KEY_AT], tape.nodes[node + KEY_END]);
    this.byte(0x22);
    this.byte(0x3a);
    this.value(tape, node);
  }

  /** Canonical text of a node's value. */
  value(tape: JsonTape, node: number): void {
    const { nodes, lists } = tape;
    const kind = nodes[node + KIND];
    if (kind !== KIND_OBJECT && kind !== KIND_ARRAY) {
      this.bytes(tape.text, nodes[node + VALUE_AT], nodes[node + VALUE_END]);
      return;
    }
    this.byte(kind === KIND_OBJECT ? 0x7b : 0x5b);
    const from = nodes[node + CHILDREN_AT];
    for (let i = 0; i < nodes[node + CHILDREN]; i++) {
      if (i > 0) this.byte(0x2c);
      if (kind === KIND_OBJECT) this.member(tape, lists[from + i]);
      else this.value(tape, lists[from + i]);
    }
    this.byte(kind === KIND_OBJECT ? 0x7d : 0x5d);
  }

  #grow(bytes: number): void {
    const larger = new Uint8Array(Math.max(this.#bytes.length * 2, this.end + bytes));
    larger.set(this.#bytes.subarray(0, this.end));
    this.#bytes = larger;
  }
}
