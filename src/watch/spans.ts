import { createHash, hash } from 'node:crypto';

/** Small pieces are put together up to this: it is how finely a changed sealed segment is located, at 32 bytes of memory each. */
const SPAN_BYTES = 256 * 1024;

/** Reads bytes [from, to) of a file in order, in parts of any size; stops early when the file does. */
export type ReadRange = (from: number, to: number) => Iterable<Uint8Array>;

/** SHA-256 of bytes [from, to), latin1. */
function digestOf(read: ReadRange, from: number, to: number): string {
  const digest = createHash('sha256');
  for (const part of read(from, to)) digest.update(part);
  return digest.digest('latin1');
}

/** The content of a sealed segment as digests of consecutive spans. Packed: thousands of segments are held at once. */
export class Spans {
  readonly #ends: Uint32Array;
  readonly #digests: Buffer;

  constructor(ends: Uint32Array, digests: Buffer) {
    this.#ends = ends;
    this.#digests = digests;
  }

  get count(): number {
    return this.#ends.length;
  }

  get bytes(): number {
    return this.#ends.at(-1) ?? 0;
  }

  range(index: number): { from: number; to: number } {
    return { from: index === 0 ? 0 : this.#ends[index - 1], to: this.#ends[index] };
  }

  /** True when the bytes of the span are still what they were. */
  matches(index: number, read: ReadRange): boolean {
    const { from, to } = this.range(index);
    return digestOf(read, from, to) === this.#digests.toString('latin1', index * 32, index * 32 + 32);
  }

  /** The smallest run of spans that holds every difference; undefined when there is none. */
  findChange(read: ReadRange): { from: number; to: number } | undefined {
    let change: { from: number; to: number } | undefined;
    for (let i = 0; i < this.count; i++) {
      if (this.matches(i, read)) continue;
      const { from, to } = this.range(i);
      change = { from: change?.from ?? from, to };
    }
    return change;
  }
}

/** The spans of `bytes` bytes as they are now. */
export function spansOf(read: ReadRange, bytes: number): Spans {
  const builder = new SpanBuilder();
  for (let from = 0; from < bytes; from += SPAN_BYTES) builder.add(from, Math.min(bytes, from + SPAN_BYTES), undefined);
  return builder.build((from, to) => digestOf(read, from, to));
}

/** Collects the pieces of a growing segment. A segment of 10,000 small groups ends up with no more spans than one of 10 large ones. */
export class SpanBuilder {
  readonly #ends: number[] = [];
  /** Undefined where small pieces were joined: their digest is made once, at the end. */
  readonly #digests: (string | undefined)[] = [];

  get bytes(): number {
    return this.#ends.at(-1) ?? 0;
  }

  /** Pieces come in order and without gaps. */
  add(from: number, to: number, sha256: string | undefined): void {
    const start = this.#ends.at(-2) ?? 0;
    if (this.#ends.length > 0 && to - start <= SPAN_BYTES) {
      this.#ends[this.#ends.length - 1] = to;
      this.#digests[this.#digests.length - 1] = undefined;
    } else if (to > from) {
      this.#ends.push(to);
      this.#digests.push(sha256);
    }
  }

  /** Forgets everything from `bytes` on. */
  cut(bytes: number): void {
    while (this.bytes > bytes) {
      const start = this.#ends.at(-2) ?? 0;
      if (start < bytes) {
        this.#ends[this.#ends.length - 1] = bytes;
        this.#digests[this.#digests.length - 1] = undefined;
      } else {
        this.#ends.pop();
        this.#digests.pop();
      }
    }
  }

  build(digest: (from: number, to: number) => string): Spans {
    const digests = Buffer.alloc(this.#ends.length * 32);
    for (const [i, end] of this.#ends.entries()) digests.write(this.#digests[i] ?? digest(this.#ends[i - 1] ?? 0, end), i * 32, 'latin1');
    return new Spans(Uint32Array.from(this.#ends), digests);
  }
}

/** Digest of bytes in memory, as announcements carry it. */
export function digestBytes(bytes: Uint8Array): string {
  return hash('sha256', bytes, 'latin1');
}
