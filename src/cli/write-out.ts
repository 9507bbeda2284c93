/** Resolves when the text is handed on: a reader slower than us holds us back instead of filling memory. Rejects on EPIPE. */
export function writeOut(stream: NodeJS.WritableStream, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.write(text, (error?: Error | null) => (error === undefined || error === null ? resolve() : reject(error)));
  });
}

/** Lines are handed on in blocks of this size: a write per line would cost a system call each. */
const BLOCK_CHARS = 65_536;

/** Writes many short lines. `flush` after the last one. */
export class LineWriter {
  readonly #stream: NodeJS.WritableStream;
  #pending = '';

  constructor(stream: NodeJS.WritableStream) {
    this.#stream = stream;
  }

  async line(text: string): Promise<void> {
    this.#pending += `${text}\n`;
    if (this.#pending.length >= BLOCK_CHARS) await this.flush();
  }

  async flush(): Promise<void> {
    const text = this.#pending;
    this.#pending = '';
    if (text !== '') await writeOut(this.#stream, text);
  }
}
