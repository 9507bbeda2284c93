import { connect, type Socket } from 'node:net';

/** Requests that may wait at one time for a free connection; beyond this the sidecar does not keep up at all and the run ends. */
const WAITING_MAX = 100_000;
/** How often due requests are sent: the finest a Node timer does. What a request waits for this is counted. */
const TICK_MS = 1;
/** After the last request was due, the answers of the others may take this long. */
const DRAIN_MS_MAX = 30_000;

export interface OpenLoopOptions {
  readonly url: string;
  readonly path: string;
  readonly contentType: string;
  readonly body: string;
  readonly ratePerS: number;
  /** Same load, not counted: code is compiled and connections are opened in this time. */
  readonly warmUpSeconds: number;
  readonly seconds: number;
  readonly connections: number;
}

export interface OpenLoopResult {
  readonly sent: number;
  readonly not2xx: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  readonly maxMs: number;
  /** Of the requests due in each second: whether a bad p99 is the rule, or one disturbance. */
  readonly p99MsBySecond: readonly number[];
  /** How late the generator itself was: from the due time to the tick that took the request up. */
  readonly generatorLateP99Ms: number;
}

/**
 * Requests at evenly spaced times, whatever the answers do. Latency counts from the moment a request was due, so the waiting of requests
 * that a slow answer held up is in the figures (no coordinated omission). Plain sockets: a full HTTP client would need a core of its own.
 */
export async function runOpenLoop(options: OpenLoopOptions): Promise<OpenLoopResult> {
  const { ratePerS, warmUpSeconds, seconds } = options;
  const warmUp = ratePerS * warmUpSeconds;
  const total = warmUp + ratePerS * seconds;
  const latencyMs = new Float64Array(total);
  const lateMs = new Float64Array(total);
  const pool = await Pool.open(options);
  const startMs = performance.now() + 10;
  const dueMs = (index: number): number => startMs + (index * 1000) / ratePerS;
  let taken = 0;
  let answered = 0;
  let not2xx = 0;
  await new Promise<void>((resolve, reject) => {
    const answer = (index: number, status: number): void => {
      latencyMs[index] = performance.now() - dueMs(index);
      if (index >= warmUp && (status < 200 || status > 299)) not2xx++;
      if (++answered === total) finish();
    };
    const ticker = setInterval(() => {
      const nowMs = performance.now();
      for (; taken < total && dueMs(taken) <= nowMs; taken++) {
        lateMs[taken] = nowMs - dueMs(taken);
        pool.send(taken, answer);
      }
      if (pool.waiting > WAITING_MAX) finish(new Error(`${pool.waiting} requests wait: the rate is not reached`));
      if (nowMs > dueMs(total) + DRAIN_MS_MAX) finish(new Error(`${total - answered} requests have no answer`));
    }, TICK_MS);
    const finish = (error?: Error): void => {
      clearInterval(ticker);
      if (error === undefined) resolve();
      else reject(error);
    };
    pool.onBroken = finish;
  }).finally(() => pool.close());
  const p99MsBySecond = Array.from({ length: seconds }, (_, second) => {
    const first = warmUp + second * ratePerS;
    return quantile(latencyMs.slice(first, first + ratePerS).sort(), 0.99);
  });
  const counted = latencyMs.subarray(warmUp).sort();
  return {
    sent: counted.length,
    not2xx,
    p50Ms: quantile(counted, 0.5),
    p99Ms: quantile(counted, 0.99),
    p999Ms: quantile(counted, 0.999),
    maxMs: quantile(counted, 1),
    p99MsBySecond,
    generatorLateP99Ms: quantile(lateMs.subarray(warmUp).sort(), 0.99),
  };
}

function quantile(sorted: Float64Array, share: number): number {
  return Number(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))].toFixed(2));
}

type Answer = (index: number, status: number) => void;

/** Keep-alive connections with one request each; what finds none free waits in order. */
class Pool {
  readonly #request: Buffer;
  readonly #free: Connection[] = [];
  readonly #all: Connection[] = [];
  #queue: { index: number; answer: Answer }[] = [];
  #next = 0;
  onBroken: (error: Error) => void = () => undefined;

  private constructor(request: Buffer) {
    this.#request = request;
  }

  static async open({ url, path, contentType, body, connections }: OpenLoopOptions): Promise<Pool> {
    const { host, hostname, port } = new URL(url);
    const head = [`POST ${path} HTTP/1.1`, `host: ${host}`, `content-type: ${contentType}`, `content-length: ${Buffer.byteLength(body)}`];
    const pool = new Pool(Buffer.from(`${head.join('\r\n')}\r\n\r\n${body}`));
    for (let i = 0; i < connections; i++) {
      const socket = connect({ host: hostname, port: Number(port), noDelay: true });
      await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject));
      const connection = new Connection(socket, (error) => pool.onBroken(error));
      pool.#all.push(connection);
      pool.#free.push(connection);
    }
    return pool;
  }

  get waiting(): number {
    return this.#queue.length - this.#next;
  }

  send(index: number, answer: Answer): void {
    // The one that rested longest: a connection that never has its turn is closed as idle in a long run.
    const connection = this.#free.shift();
    if (connection === undefined) this.#queue.push({ index, answer });
    else this.#start(connection, index, answer);
  }

  #start(connection: Connection, index: number, answer: Answer): void {
    connection.request(this.#request, (status) => {
      answer(index, status);
      if (this.waiting === 0) {
        this.#queue = [];
        this.#next = 0;
        this.#free.push(connection);
        return;
      }
      const next = this.#queue[this.#next++];
      this.#start(connection, next.index, next.answer);
    });
  }

  close(): void {
    this.onBroken = () => undefined;
    for (const connection of this.#all) connection.close();
  }
}

/** One connection with at most one request under way. Understands the answers of our own sidecar: a status line and a content-length. */
class Connection {
  readonly #socket: Socket;
  #received = '';
  #onAnswer: ((status: number) => void) | undefined;

  constructor(socket: Socket, onBroken: (error: Error) => void) {
    this.#socket = socket;
    // latin1: one character a byte, so lengths are bytes.
    socket.setEncoding('latin1').on('data', (text: string) => this.#receive(text));
    socket.on('error', onBroken).on('close', () => onBroken(new Error('the sidecar closed a connection')));
  }

  request(bytes: Buffer, onAnswer: (status: number) => void): void {
    this.#onAnswer = onAnswer;
    this.#socket.write(bytes);
  }

  #receive(text: string): void {
    this.#received += text;
    const headEnd = this.#received.indexOf('\r\n\r\n');
    if (headEnd < 0) return;
    const length = /\r\ncontent-length: (\d+)/i.exec(this.#received)?.[1];
    if (length === undefined) throw new Error(`an answer without a content-length: ${this.#received.slice(0, 200)}`);
    if (this.#received.length < headEnd + 4 + Number(length)) return;
    const status = Number(this.#received.slice(9, 12));
    this.#received = '';
    this.#onAnswer?.(status);
  }

  close(): void {
    this.#socket.destroy();
  }
}
