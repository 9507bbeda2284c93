import { Readable } from 'node:stream';
import { HttpError } from './http-error.ts';

/** Clients that follow artifacts at one time; each holds a connection and one message. */
const WATCHERS_MAX = 256;
/** Proxies cut connections on which nothing moves for a minute. */
const HEARTBEAT_MS = 15_000;
/** How soon a client that lost us asks again. */
const RETRY_MS = 1000;

/** Server-sent events (WHATWG HTML, section 9.2). For a reader that is slower than the changes only the newest event waits. */
export class EventStream extends Readable {
  #newest: string | undefined;
  /** Everything said was taken, and more is wanted. */
  #isWanted = false;
  #isOver = false;
  readonly #heartbeat: NodeJS.Timeout;

  constructor(heartbeatMs: number) {
    super({ highWaterMark: 0 });
    // Whoever is behind hears from us anyway.
    this.#heartbeat = setInterval(() => {
      if (this.#isWanted) this.#say(':\n\n');
    }, heartbeatMs).unref();
    // At once, so that the head of the answer leaves also where there is no event yet.
    this.push(`retry: ${RETRY_MS}\n\n`);
  }

  /** Replaces an event that was not taken yet. `data` is one line. */
  tell(event: string, id: number, data: string): void {
    this.#newest = `event: ${event}\nid: ${id}\ndata: ${data}\n\n`;
    if (this.#isWanted) this._read();
  }

  finish(): void {
    clearInterval(this.#heartbeat);
    // A reader that is behind may never take the end, and a stop would wait for it: it is cut.
    if (!this.#isWanted) this.destroy();
    else if (!this.#isOver) this.push(null);
    this.#isOver = true;
  }

  override _read(): void {
    this.#isWanted = true;
    if (this.#newest !== undefined) this.#say(this.#newest);
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    clearInterval(this.#heartbeat);
    callback(error);
  }

  #say(text: string): void {
    this.#newest = undefined;
    // Before it is pushed: that may ask for more at once.
    this.#isWanted = false;
    if (!this.#isOver) this.push(text);
  }
}

/** All event streams that are open. */
export class Watchers {
  readonly #streams = new Set<EventStream>();
  readonly #counted: (count: number) => void;
  readonly #streamsMax: number;
  readonly #heartbeatMs: number;

  constructor(counted: (count: number) => void, streamsMax = WATCHERS_MAX, heartbeatMs = HEARTBEAT_MS) {
    this.#counted = counted;
    this.#streamsMax = streamsMax;
    this.#heartbeatMs = heartbeatMs;
  }

  /** Throws HttpError `busy` beyond the bound. The place is free again when the stream is closed. */
  open(): EventStream {
    if (this.#streams.size >= this.#streamsMax) throw new HttpError('busy', `${this.#streamsMax} clients follow artifacts already`);
    const stream = new EventStream(this.#heartbeatMs);
    this.#streams.add(stream);
    this.#counted(this.#streams.size);
    stream.once('close', () => {
      this.#streams.delete(stream);
      this.#counted(this.#streams.size);
    });
    return stream;
  }

  /** Ends them: a stop does not wait for clients that would stay for ever. */
  finish(): void {
    for (const stream of this.#streams) stream.finish();
  }
}
