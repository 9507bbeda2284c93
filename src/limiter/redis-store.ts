import { randomBytes } from 'node:crypto';
import { CodedError } from '../kernel/errors.ts';
import type { Claim, StoreVerdict } from './limit-store.ts';
import type { RedisClient } from './redis-client.ts';
import { LOOK, windowName, NO_RECORD, packChecks, packStamps, unpackAnswer, type PackedCheck } from './redis-packing.ts';
import { SHARD_STATUS } from './redis-scripts.ts';

/** Checks in one script: few enough that the server decides some while this process sends and reads others. */
const BATCH_MAX = 128;
/** Windows and stamps brought back with one script. */
const SEED_WINDOWS_MAX = 100;
const SEED_STAMPS_MAX = 20_000;
/** A node that is silent for three and a half of these is counted out. */
const HEARTBEAT_MS = 1000;
/** While a store waits for stamps, it is asked this often whether it has them all. */
const SEEDING_POLL_MS = 50;
/** How far ahead of what our own clock allows the server's may be, beside the time that an answer may take. */
const JUMP_US_MAX = 50_000;

/** The shared store could not be asked, did not answer in time, or is not whole: nobody knows whether it decided. */
export class StoreUnavailableError extends CodedError<'store-unavailable'> {}

/** What this node admitted, and when, on the clock of the store. */
export interface OwnStamps {
  readonly key: string;
  readonly windowUs: number;
  readonly stamps: readonly number[];
}

export interface RedisStoreEvents {
  /** The store can be asked, or cannot. */
  ready(isReady: boolean, why: string): void;
  /** The clock of the server went ahead by this much, which was subtracted. */
  jumped(byUs: number): void;
  /** This node brought so many stamps back to a store that may have lost them. */
  seeded(stamps: number): void;
  /** A script of decisions was answered after so long. */
  answered(tookMs: number): void;
}

export interface RedisStoreOptions {
  readonly client: RedisClient;
  /** How long the client waits for an answer. */
  readonly timeoutMs: number;
  /** Stands before every key; nodes that share it share their limits. */
  readonly prefix: string;
  /** Everything that this node admitted in the last window, of keys that it admitted something of since this time: for a store that lost it. */
  readonly ownStamps: (sinceUs: number) => Iterable<OwnStamps>;
  readonly events: RedisStoreEvents;
  /** Microseconds instead of the server's clock, for tests. */
  readonly clockUs?: () => number;
}

interface Waiting extends PackedCheck {
  readonly resolve: (verdict: StoreVerdict) => void;
  readonly reject: (error: Error) => void;
}

const monotonicUs = (): number => performance.now() * 1000;

/**
 * Windows in a Redis server, shared by all who name the same prefix. All checks of a turn of the event loop are one script call. Decides only
 * while the store is known to hold everything that was admitted; otherwise it rejects with StoreUnavailableError, and says so beforehand.
 */
export class RedisStore implements AsyncDisposable {
  readonly id = randomBytes(8).toString('hex');
  readonly #options: RedisStoreOptions;
  readonly #redis: RedisClient;
  #waiting: Waiting[] = [];
  #timer: NodeJS.Timeout | undefined;
  #isReady = false;
  #isClosed = false;
  #isJoining = false;
  /** Run id of the server that has our stamps. */
  #seededRun: string | undefined;
  /** When the store was last lost sight of: what was admitted since may not be in it. */
  #lostAtUs: number | undefined;
  #nodes: readonly string[] = [];
  #place = 0;
  /** Clock of the store less our own, from the last answer. */
  #offsetUs: number | undefined;
  #skew = '0';

  constructor(options: RedisStoreOptions) {
    this.#options = options;
    this.#redis = options.client;
    this.#redis.on('ready', () => this.#join());
    this.#redis.on('close', () => this.#lose('the connection to the Redis server is closed'));
    this.#schedule(HEARTBEAT_MS);
  }

  get isReady(): boolean {
    return this.#isReady;
  }

  /** How many nodes share the store, as far as was last known, and which of them this one is. */
  get share(): { readonly nodes: number; readonly place: number } {
    return { nodes: Math.max(1, this.#nodes.length), place: this.#place };
  }

  /** What the clock of the store should say now. */
  nowUs(): number {
    return Math.floor(this.#options.clockUs?.() ?? monotonicUs() + (this.#offsetUs ?? Date.now() * 1000 - monotonicUs()));
  }

  decide(claims: readonly Claim[], tag?: string): Promise<StoreVerdict> {
    return this.#ask(claims, tag === undefined ? NO_RECORD : `r:${Buffer.from(tag, 'latin1').toString('base64url')}`);
  }

  look(claims: readonly Claim[]): Promise<StoreVerdict> {
    return this.#ask(claims, LOOK);
  }

  /** Takes back what a check charged. What cannot be taken back leaves the window with time: too little is admitted until then. */
  async cancel(claims: readonly Claim[], { nowUs, views }: StoreVerdict): Promise<void> {
    const charged = claims.filter((_, i) => views[i].isAdmitted);
    const keys = charged.map(({ key }) => this.#options.prefix + windowName(key));
    try {
      await this.#redis.cancelWindows(keys.length, ...keys, String(nowUs), ...charged.map(({ cost }) => String(cost)));
    } catch (error) {
      this.#lose(error instanceof Error ? error.message : String(error));
    }
  }

  /** Stops asking; the connection is its maker's to end. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    return Promise.resolve();
  }

  #ask(claims: readonly Claim[], record: string): Promise<StoreVerdict> {
    if (!this.#isReady) return Promise.reject(new StoreUnavailableError('store-unavailable', 'the shared store is away'));
    return new Promise((resolve, reject) => {
      if (this.#waiting.length === 0) setImmediate(() => void this.#flush());
      this.#waiting.push({ claims, record, resolve, reject });
      if (this.#waiting.length === BATCH_MAX) void this.#flush();
    });
  }

  async #flush(): Promise<void> {
    const checks = this.#waiting;
    this.#waiting = [];
    if (checks.length === 0) return;
    const { names, packed } = packChecks(checks, 2);
    const { prefix } = this.#options;
    const keys = [`${prefix}life`, ...names.map((name) => prefix + name)];
    const sentUs = monotonicUs();
    try {
      const raw = await this.#redis.decideWindowsBuffer(keys.length, ...keys, this.#time, this.#latest(sentUs), packed);
      this.#options.events.answered((monotonicUs() - sentUs) / 1000);
      const { status, clockUs, verdicts } = unpackAnswer(raw, checks);
      if (status === SHARD_STATUS.ok) {
        this.#compareClocks(clockUs, sentUs);
        for (const [i, { resolve }] of checks.entries()) resolve(verdicts[i]);
        return;
      }
      if (status === SHARD_STATUS.jumped) await this.#subtract(clockUs - this.nowUs());
      this.#lose(status === SHARD_STATUS.jumped ? 'the clock of the Redis server jumped' : 'the store lost what it held');
      throw new Error('it is not whole, or its clock jumped');
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      this.#lose(why);
      const error = new StoreUnavailableError('store-unavailable', `the shared store did not decide: ${why}`, { cause });
      for (const { reject } of checks) reject(error);
    }
  }

  get #time(): string {
    return this.#options.clockUs === undefined ? '' : String(this.#options.clockUs());
  }

  /** The latest time that the server may read when it runs a script that is sent now; 0 while nothing is known. */
  #latest(sentUs: number): string {
    if (this.#offsetUs === undefined || this.#options.clockUs !== undefined) return '0';
    return String(Math.ceil(sentUs + this.#offsetUs + this.#options.timeoutMs * 1000 + JUMP_US_MAX));
  }

  /** The server read its clock between the two moments, on our clock. */
  #compareClocks(clockUs: number, sentUs: number): void {
    if (this.#options.clockUs !== undefined) return;
    const [least, most] = [clockUs - monotonicUs(), clockUs - sentUs];
    const known = this.#offsetUs;
    if (known !== undefined && least > known + JUMP_US_MAX) void this.#subtract(least - known);
    else this.#offsetUs = known === undefined || known < least ? least : Math.min(known, most);
  }

  async #subtract(byUs: number): Promise<void> {
    const key = `${this.#options.prefix}life`;
    try {
      const skew = String(await this.#redis.skewStore(1, key, byUs.toFixed(0), this.#skew));
      if (Number(skew) === Number(this.#skew) + Math.round(byUs)) this.#options.events.jumped(byUs);
      this.#skew = skew;
    } catch (error) {
      this.#lose(error instanceof Error ? error.message : String(error));
    }
  }

  #lose(why: string): void {
    if (!this.#isReady) return;
    this.#isReady = false;
    this.#lostAtUs ??= this.#recently();
    this.#options.events.ready(false, why);
    this.#schedule(SEEDING_POLL_MS);
  }

  /** Answers that are on their way now are older by no more than twice the time that they may take. */
  #recently(): number {
    return this.nowUs() - 2 * this.#options.timeoutMs * 1000;
  }

  #schedule(ms: number): void {
    clearTimeout(this.#timer);
    if (!this.#isClosed) this.#timer = setTimeout(() => this.#join(), ms).unref();
  }

  #join(): void {
    if (this.#isJoining) return;
    this.#isJoining = true;
    void this.#joinOnce().finally(() => {
      this.#isJoining = false;
    });
  }

  /** Tells that this node is there, brings what the store may have lost, and finds out whether it is whole. */
  async #joinOnce(): Promise<void> {
    const { prefix } = this.#options;
    const keys = [`${prefix}life`, `${prefix}awaited`, `${prefix}nodes`];
    try {
      const sentUs = monotonicUs();
      const others = this.#nodes.filter((id) => id !== this.id);
      const joined = readJoined(await this.#redis.joinStore(keys.length, ...keys, this.#time, this.id, ...others));
      this.#compareClocks(joined.clockUs, sentUs);
      this.#nodes = joined.nodes;
      this.#place = joined.place;
      const isNew = joined.run !== this.#seededRun || joined.isAwaited;
      if (isNew || this.#lostAtUs !== undefined) {
        const beganUs = this.#recently();
        const stamps = await this.#seed(isNew ? 0 : (this.#lostAtUs ?? 0));
        if (stamps > 0) this.#options.events.seeded(stamps);
        this.#seededRun = joined.run;
        // What this node admitted alone meanwhile is not among it.
        this.#lostAtUs = beganUs;
      }
      if (this.#isClosed) return;
      // What this node was waited for it has just brought: ask again whether that was all.
      if (joined.isSeeding) {
        this.#schedule(joined.isAwaited ? 0 : SEEDING_POLL_MS);
        return;
      }
      this.#schedule(HEARTBEAT_MS);
      if (!this.#isReady) await this.#goOn();
    } catch (error) {
      this.#lose(error instanceof Error ? error.message : String(error));
      this.#schedule(HEARTBEAT_MS);
    }
  }

  /**
   * From one decision to the next the store is asked again. What was admitted until then is sent first, on the same connection, so the store
   * has it when it decides: nothing is awaited in between.
   */
  async #goOn(): Promise<void> {
    const sinceUs = this.#lostAtUs;
    const sent = sinceUs === undefined ? undefined : this.#seed(sinceUs);
    this.#isReady = true;
    this.#lostAtUs = undefined;
    this.#options.events.ready(true, '');
    try {
      await sent;
    } catch (error) {
      this.#lose(error instanceof Error ? error.message : String(error));
      this.#lostAtUs = sinceUs;
    }
  }

  /** Sends everything at once: all of it is on its way when this returns its promise, of how many stamps it was. */
  async #seed(sinceUs: number): Promise<number> {
    const { prefix, ownStamps } = this.#options;
    const sending: Promise<unknown>[] = [];
    let batch: OwnStamps[] = [];
    let [stamps, total] = [0, 0];
    const send = (isLast: boolean): void => {
      const names = batch.map(({ key }) => prefix + windowName(key));
      const keys = [`${prefix}life`, `${prefix}awaited`, ...names];
      sending.push(this.#redis.seedStore(keys.length, ...keys, this.#time, this.id, isLast ? '1' : '0', packStamps(batch)));
      total += stamps;
      [batch, stamps] = [[], 0];
    };
    for (const own of ownStamps(sinceUs)) {
      if (batch.length === SEED_WINDOWS_MAX || (batch.length > 0 && stamps + own.stamps.length > SEED_STAMPS_MAX)) send(false);
      batch.push(own);
      stamps += own.stamps.length;
    }
    send(true);
    await Promise.all(sending);
    return total;
  }
}

interface Joined {
  readonly run: string;
  readonly clockUs: number;
  /** The store waits for the stamps of this node. */
  readonly isAwaited: boolean;
  /** It waits for those of some node. */
  readonly isSeeding: boolean;
  readonly place: number;
  readonly nodes: readonly string[];
}

function readJoined(answer: unknown): Joined {
  if (!Array.isArray(answer) || answer.length !== 6) throw new TypeError('the Redis server answered a script in an unknown way');
  const [run, clock, isAwaited, isSeeding, place, nodes] = answer as readonly unknown[];
  return {
    run: String(run),
    clockUs: Number(clock),
    isAwaited: isAwaited === 1,
    isSeeding: isSeeding === 1,
    place: Number(place),
    nodes: Array.isArray(nodes) ? nodes.map(String) : [],
  };
}
