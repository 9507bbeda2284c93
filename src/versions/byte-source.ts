/** Bytes that can be read at any place: a file, or a content in memory. */
export interface ByteSource {
  readonly bytes: number;
  /** `length` bytes from `position` on, fewer only at the end. */
  read(position: number, length: number): Promise<Uint8Array>;
  /** The same into a buffer of the caller, as much as fits: what is gone through window by window leaves no garbage. */
  readInto(buffer: Uint8Array, position: number): Promise<Uint8Array>;
}

export class MemorySource implements ByteSource {
  readonly bytes: number;
  readonly #content: Uint8Array;

  constructor(content: Uint8Array) {
    this.#content = content;
    this.bytes = content.length;
  }

  read(position: number, length: number): Promise<Uint8Array> {
    return Promise.resolve(this.#content.subarray(position, position + length));
  }

  readInto(buffer: Uint8Array, position: number): Promise<Uint8Array> {
    const part = this.#content.subarray(position, position + buffer.length);
    buffer.set(part);
    return Promise.resolve(buffer.subarray(0, part.length));
  }
}
