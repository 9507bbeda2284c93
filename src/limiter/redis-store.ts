import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { Redis } from 'ioredis';
import { CodedError } from '../kernel/errors.ts';
import type { Claim, LimitStore, StoreVerdict } from './limit-store.ts';
import { WINDOW_SCRIPT } from './window-script.ts';
import type { WindowView } from './window.ts';

/** Checks in one script: a few milliseconds in which the server does nothing else. */
const BATCH_MAX = 500;
/** Longer keys are known by their digest. */
const KEY_CHARS_MAX = 64;
const DEADLINE_MS = 250;
const RECONNECT_MS_MIN = 50;
const RECONNECT_MS_MAX = 2000;

const CHECK_DOUBLES = 2;
const CLAIM_DOUBLES = 5;

/** Instead of the name of a record. */
const NO_RECORD = '';
const LOOK = 'look';

/** The shared store could not be asked, or did not answer in time: nobody knows whether it decided. */
export class StoreUnavailableError extends CodedError<'store-unavailable'> {}

export interface RedisStoreOptions {
  readonly url: string;
  readonly password?: string | undefined;
  /** Stands before every key; limits that share it are the same limits. */
  readonly prefix: string;
  /** Microseconds instead of the server's clock, for tests. */
  readonly clockUs?: () => number;
}

/** ioredis makes a method of every script; this one answers bytes. It sends the script itself when the server has forgotten it. */
interface ScriptedRedis extends Redis {
  decideWindowsBuffer(keys: number, ...args: readonly (string | Buffer)[]): Promise<Buffer>;
}

interface Waiting {
  readonly claims: readonly Claim[];
  /** NO_RECORD, LOOK or the name of the record that remembers the answer. */
  readonly record: string;
  readonly resolve: (verdict: StoreVerdict) => void;
  readonly reject: (error: Error) => void;
}

/** Windows in a Redis server, shared by all who name the same prefix. All checks of a turn of the event loop are one script call. */
export class RedisStore implements LimitStore, AsyncDisposable {
  readonly #redis: ScriptedRedis;
  readonly #prefix: string;
  readonly #clockUs: (() => number) | undefined;
  #waiting: Waiting[] = [];

  constructor({ url, password, prefix, clockUs }: RedisStoreOptions) {
    this.#prefix = prefix;
    this.#clockUs = clockUs;
    this.#redis = new Redis(url, {
      ...(password === undefined ? {} : { password }),
      // A lost answer must not lead to a second charge: nothing is sent again, nothing waits for a connection.
      maxRetriesPerRequest: 0,
      autoResendUnfulfilledCommands: false,
      enableOfflineQueue: false,
      commandTimeout: DEADLINE_MS,
      connectTimeout: DEADLINE_MS,
      retryStrategy: (attempt) => Math.min(RECONNECT_MS_MIN * 2 ** Math.min(attempt, 10), RECONNECT_MS_MAX),
      scripts: { decideWindows: { lua: WINDOW_SCRIPT } },
    }) as ScriptedRedis;
    // Every failed command says what is wrong to whoever waits for it; without a listener the same would end the process.
    this.#redis.on('error', () => undefined);
  }

  decide(claims: readonly Claim[], tag?: string): Promise<StoreVerdict> {
    return this.#ask(claims, tag === undefined ? NO_RECORD : `r:${Buffer.from(tag, 'latin1').toString('base64url')}`);
  }

  look(claims: readonly Claim[]): Promise<StoreVerdict> {
    return this.#ask(claims, LOOK);
  }

  /** Resolves when the server can be asked; rejects after the deadline. */
  async ready(): Promise<void> {
    if (this.#redis.status !== 'ready') await once(this.#redis, 'ready', { signal: AbortSignal.timeout(DEADLINE_MS) });
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#redis.disconnect();
    return Promise.resolve();
  }

  #ask(claims: readonly Claim[], record: string): Promise<StoreVerdict> {
    return new Promise((resolve, reject) => {
      if (this.#waiting.length === 0) setImmediate(() => this.#flush());
      this.#waiting.push({ claims, record, resolve, reject });
      if (this.#waiting.length === BATCH_MAX) this.#flush();
    });
  }

  #flush(): void {
    const checks = this.#waiting;
    this.#waiting = [];
    if (checks.length === 0) return;
    const { keys, packed } = packChecks(checks, this.#prefix);
    const time = this.#clockUs === undefined ? '' : String(this.#clockUs());
    this.#redis.decideWindowsBuffer(keys.length, ...keys, time, packed).then(
      (answer) => answerAll(checks, answer),
      (cause: unknown) => {
        const why = cause instanceof Error ? cause.message : String(cause);
        const error = new StoreUnavailableError('store-unavailable', `the Redis server did not decide: ${why}`, { cause });
        for (const { reject } of checks) reject(error);
      },
    );
  }
}

/** The checks of one script call: every key once, and numbers as the script reads them. */
function packChecks(checks: readonly Waiting[], prefix: string): { readonly keys: readonly string[]; readonly packed: Buffer } {
  const indexes = new Map<string, number>();
  const indexOf = (name: string): number => {
    const known = indexes.get(name);
    if (known !== undefined) return known;
    indexes.set(name, indexes.size + 1);
    return indexes.size;
  };
  const doubles = checks.reduce((sum, { claims }) => sum + CHECK_DOUBLES + claims.length * CLAIM_DOUBLES, 0);
  const packed = Buffer.allocUnsafe(doubles * 8);
  let at = 0;
  const put = (value: number): void => {
    at = packed.writeDoubleLE(value, at);
  };
  for (const { claims, record } of checks) {
    put(claims.length);
    put(record === NO_RECORD ? 0 : record === LOOK ? -1 : indexOf(record));
    for (const { key, rule, cost, isDryRun } of claims) {
      put(indexOf(key.length > KEY_CHARS_MAX ? `h:${createHash('sha256').update(key).digest('base64url')}` : `w:${key}`));
      put(rule.limit);
      put(rule.windowUs);
      put(cost);
      put(isDryRun ? 1 : 0);
    }
  }
  return { keys: Array.from(indexes.keys(), (name) => prefix + name), packed };
}

function answerAll(checks: readonly Waiting[], answer: Buffer): void {
  let at = 0;
  const take = (): number => {
    at += 8;
    return answer.readDoubleLE(at - 8);
  };
  for (const { claims, resolve } of checks) {
    const isAdmitted = take() === 1;
    const nowUs = take();
    const views = claims.map((): WindowView => {
      const [fits, remaining, retryAfterUs, resetUs] = [take(), take(), take(), take()];
      return { isAdmitted: fits === 1, remaining, retryAfterUs: retryAfterUs < 0 ? Infinity : retryAfterUs, resetUs };
    });
    resolve({ isAdmitted, views, nowUs });
  }
}
