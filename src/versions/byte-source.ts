/** Bytes that can be read at any place: a file, or a content in memory. */
export interface ByteSource {
  readonly bytes: number;
  /** `length` bytes from `position` on, fewer only at the end. */
  read(position: number, length: number): Promise<Uint8Array>;
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
}
