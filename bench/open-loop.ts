import { connect, type Socket } from 'node:net';

/** Requests that may wait at one time for a free connection; beyond this the sidecar does not keep up at all and the run ends. */
const WAITING_MAX = 100_000;
/** How often due requests are sent: the finest a Node timer does. What a request waits for this is counted. */
const TICK_MS = 1;
/** After the last request was due, the answers of the others may take this long. */
const DRAIN_MS_MAX = 30_000;
/** A connection that broke, where that is part of the run, is opened anew this much later. */
const RECONNECT_MS = 20;

export interface LoadOptions {
  readonly urls: readonly string[];
  /** Which of them gets a request; the first one unless given. */
  readonly target?: (index: number) => number;
  readonly ratePerS: number;
  readonly seconds: number;
  /** To each of the addresses. */
  readonly connections: number;
  /** Requests under way on one connection, at most; 1 unless given. */
  readonly pipelining?: number;
  /** Head and body of a request, in the order in which they are due. */
  readonly request: (index: number) => string;
  /** Connections may break: what was under way has status 0, and the run goes on. Otherwise that ends the run. */
  readonly isTolerant?: boolean;
}

/** One entry for each request, in the order in which they were due. Times are milliseconds of performance.now(). */
export interface LoadRecord {
  readonly dueMs: Float64Array;
  /** The tick that took the request up: how late the generator itself was. */
  readonly takenMs: Float64Array;
  /** When it was written to a socket; NaN when never. */
  readonly sentMs: Float64Array;
  readonly receivedMs: Float64Array;
  /** 0: no answer. */
  readonly status: Uint16Array;
}

/**
 * Requests at evenly spaced times, whatever the answers do. Latency counts from the moment a request was due, so the waiting of requests
 * that a slow answer held up is in the figures (no coordinated omission). Plain sockets: a full HTTP client would need a core of its own.
 */
export async function driveLoad(options: LoadOptions): Promise<LoadRecord> {
  const { urls, ratePerS, seconds, request, target = () => 0 } = options;
  const total = Math.round(ratePerS * seconds);
  const times = (): Float64Array => new Float64Array(total).fill(NaN);
  const record = { dueMs: times(), takenMs: times(), sentMs: times(), receivedMs: times(), status: new Uint16Array(total) };
  const { dueMs, takenMs, sentMs, receivedMs, status } = record;
  const pools = await Promise.all(urls.map((url) => Pool.open(url, options)));
  const startMs = performance.now() + 10;
  for (let index = 0; index < total; index++) dueMs[index] = startMs + (index * 1000) / ratePerS;
  let [taken, answered] = [0, 0];
  await new Promise<void>((resolve, reject) => {
    const events = {
      sent: (index: number) => void (sentMs[index] = performance.now()),
      answered: (index: number, code: number) => {
        status[index] = code;
        if (code !== 0) receivedMs[index] = performance.now();
        if (++answered === total) finish();
      },
    };
    const ticker = setInterval(() => {
      const nowMs = performance.now();
      for (; taken < total && dueMs[taken] <= nowMs; taken++) {
        takenMs[taken] = nowMs;
        pools[target(taken)].send(taken, request(taken), events);
      }
      const waiting = pools.reduce((sum, pool) => sum + pool.waiting, 0);
      if (waiting > WAITING_MAX) finish(new Error(`${waiting} requests wait: the rate is not reached`));
      if (nowMs > dueMs[total - 1] + DRAIN_MS_MAX) finish(new Error(`${total - answered} requests have no answer`));
    }, TICK_MS);
    const finish = (error?: Error): void => {
      clearInterval(ticker);
      if (error === undefined) resolve();
      else reject(error);
    };
    for (const pool of pools) pool.onBroken = finish;
  }).finally(() => pools.forEach((pool) => pool.close()));
  return record;
}

export function quantile(sorted: Float64Array, share: number): number {
  return Number(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))].toFixed(2));
}

interface RequestEvents {
  readonly sent: (index: number) => void;
  readonly answered: (index: number, status: number) => void;
}

interface Waiting {
  readonly index: number;
  readonly text: string;
  readonly events: RequestEvents;
}

/** Keep-alive connections to one address; what finds no room on one waits in order. */
class Pool {
  /** Those with room, the one that rested longest first: a connection that never has its turn is closed as idle in a long run. */
  readonly #free: Connection[] = [];
  readonly #all: Connection[] = [];
  #queue: Waiting[] = [];
  #next = 0;
  #isClosed = false;
  onBroken: (error: Error) => void = () => undefined;

  static async open(url: string, { connections, pipelining = 1, isTolerant = false }: LoadOptions): Promise<Pool> {
    const { hostname, port } = new URL(url);
    const pool = new Pool();
    for (let i = 0; i < connections; i++) {
      const connection = new Connection(hostname, Number(port), pipelining, {
        hasRoom: (each) => pool.#serve(each),
        broken: (each, error) => {
          if (pool.#isClosed) return;
          if (!isTolerant) pool.onBroken(error);
          else {
            pool.#free.splice(0, pool.#free.length, ...pool.#free.filter((free) => free !== each));
            setTimeout(() => void each.open().catch(() => undefined), RECONNECT_MS).unref();
          }
        },
      });
      await connection.open();
      pool.#all.push(connection);
    }
    return pool;
  }

  get waiting(): number {
    return this.#queue.length - this.#next;
  }

  send(index: number, text: string, events: RequestEvents): void {
    const connection = this.#free.shift();
    if (connection === undefined) this.#queue.push({ index, text, events });
    else connection.send({ index, text, events });
  }

  #serve(connection: Connection): void {
    if (this.waiting === 0) {
      this.#queue = [];
      this.#next = 0;
      this.#free.push(connection);
    } else connection.send(this.#queue[this.#next++]);
  }

  close(): void {
    this.#isClosed = true;
    for (const connection of this.#all) connection.close();
  }
}

interface ConnectionEvents {
  /** For one more request; told anew after each answer. */
  readonly hasRoom: (connection: Connection) => void;
  readonly broken: (connection: Connection, error: Error) => void;
}

/** Understands the answers of our own sidecar: a status line and a content-length. */
class Connection {
  readonly #hostname: string;
  readonly #port: number;
  readonly #depth: number;
  readonly #events: ConnectionEvents;
  #socket: Socket | undefined;
  #received = '';
  #underWay: Waiting[] = [];
  #isCorked = false;

  constructor(hostname: string, port: number, depth: number, events: ConnectionEvents) {
    this.#hostname = hostname;
    this.#port = port;
    this.#depth = depth;
    this.#events = events;
  }

  async open(): Promise<void> {
    const socket = connect({ host: this.#hostname, port: this.#port, noDelay: true });
    let isBroken = false;
    const broken = (error: Error): void => {
      if (isBroken) return;
      isBroken = true;
      const lost = this.#underWay;
      this.#underWay = [];
      this.#received = '';
      this.#events.broken(this, error);
      for (const { index, events } of lost) events.answered(index, 0);
    };
    // latin1: one character a byte, so lengths are bytes.
    socket.setEncoding('latin1').on('data', (text: string) => this.#receive(text));
    socket.on('error', broken).on('close', () => broken(new Error('the sidecar closed a connection')));
    await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject));
    this.#socket = socket;
    for (let i = 0; i < this.#depth; i++) this.#events.hasRoom(this);
  }

  send(request: Waiting): void {
    const socket = this.#socket;
    if (socket === undefined) return;
    this.#underWay.push(request);
    // What is due in the same tick leaves in one write.
    if (!this.#isCorked) {
      this.#isCorked = true;
      socket.cork();
      process.nextTick(() => {
        this.#isCorked = false;
        socket.uncork();
      });
    }
    socket.write(request.text, 'latin1');
    request.events.sent(request.index);
  }

  #receive(text: string): void {
    const all = this.#received === '' ? text : this.#received + text;
    let at = 0;
    while (at < all.length) {
      const headEnd = all.indexOf('\r\n\r\n', at);
      if (headEnd < 0) break;
      const lengthAt = all.indexOf('ontent-length: ', at);
      if (lengthAt < 0 || lengthAt > headEnd) throw new Error(`an answer without a content-length: ${all.slice(at, at + 200)}`);
      const end = headEnd + 4 + Number(all.slice(lengthAt + 15, all.indexOf('\r', lengthAt)));
      if (all.length < end) break;
      const status = Number(all.slice(at + 9, at + 12));
      at = end;
      const request = this.#underWay.shift();
      request?.events.answered(request.index, status);
      this.#events.hasRoom(this);
    }
    this.#received = all.slice(at);
  }

  close(): void {
    this.#socket?.destroy();
  }
}
