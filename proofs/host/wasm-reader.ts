/** Reads the numbers and names of a WebAssembly module (core specification 1.0, chapter 5) from a position on. */
export class WasmReader {
  readonly bytes: Buffer;
  at: number;

  constructor(bytes: Buffer, at: number) {
    this.bytes = bytes;
    this.at = at;
  }

  byte(): number {
    return this.bytes[this.at++];
  }

  /** An unsigned LEB128 number. */
  unsigned(): number {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = this.byte();
      value += (byte & 127) * factor;
      if ((byte & 128) === 0) return value;
    }
  }

  name(): string {
    const length = this.unsigned();
    this.at += length;
    return this.bytes.toString('utf8', this.at - length, this.at);
  }

  expect(byte: number, what: string): void {
    const found = this.byte();
    if (found !== byte) throw new Error(`lean.wasm is not the pinned build: ${what} is ${found} instead of ${byte}`);
  }
}

export function toUnsigned(value: number): Buffer {
  const bytes: number[] = [];
  let left = value;
  do {
    const low = left % 128;
    left = Math.floor(left / 128);
    bytes.push(left > 0 ? low | 128 : low);
  } while (left > 0);
  return Buffer.from(bytes);
}

/** A signed LEB128 number of at most 32 bits. */
export function toSigned(value: number): Buffer {
  const bytes: number[] = [];
  for (let left = value; ;) {
    const low = left & 127;
    left >>= 7;
    const isLast = (left === 0 && (low & 64) === 0) || (left === -1 && (low & 64) !== 0);
    bytes.push(isLast ? low : low | 128);
    if (isLast) return Buffer.from(bytes);
  }
}
