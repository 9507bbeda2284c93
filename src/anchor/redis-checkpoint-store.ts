import { Redis } from 'ioredis';
import { LOCK_DEADLINE_MS } from '../ledger/checkpoint-lock.ts';
import type { CheckpointStore, Swap } from './checkpoint-store.ts';

/** Reconnecting goes on for as long as the sidecar lives, but not faster than this. */
const RECONNECT_MS_MAX = 2000;
const RECONNECT_MS_MIN = 50;

/** Redis runs a script in one piece. A note is never empty, so '' says "nothing stands there yet". */
const COMPARE_AND_SWAP = `
local found = redis.call('GET', KEYS[1])
if (found or '') ~= ARGV[1] then return {0, found} end
redis.call('SET', KEYS[1], ARGV[2])
return {1, false}
`;

/**
 * The key proofs:checkpoint:<ledger id> of a Redis server. The server decides how durable it is: with `appendonly yes` and
 * `appendfsync everysec` a power cut there takes the lock back by a second.
 */
export class RedisCheckpointStore implements CheckpointStore {
  readonly location: string;
  readonly #redis: Redis;
  readonly #key: string;
  #connecting: Promise<void> | undefined;

  constructor(url: string, password: string | undefined, ledgerIdHex: string) {
    this.#key = `proofs:checkpoint:${ledgerIdHex}`;
    this.location = `${withoutCredentials(url)} key ${this.#key}`;
    this.#redis = new Redis(url, {
      ...(password === undefined ? {} : { password }),
      lazyConnect: true,
      // A command waits for its answer or fails at once; what waits for a reconnect would be a lock that was never taken.
      enableOfflineQueue: false,
      autoResendUnfulfilledCommands: false,
      maxRetriesPerRequest: 0,
      connectTimeout: LOCK_DEADLINE_MS,
      commandTimeout: LOCK_DEADLINE_MS,
      retryStrategy: (attempt) => Math.min(RECONNECT_MS_MIN * 2 ** Math.min(attempt, 10), RECONNECT_MS_MAX),
    });
    // Every failed command says what is wrong to whoever waits for it; without a listener the same would end the process.
    this.#redis.on('error', () => undefined);
  }

  async read(): Promise<string | undefined> {
    await this.#connect();
    return (await this.#redis.get(this.#key)) ?? undefined;
  }

  async swap(previous: string | undefined, next: string): Promise<Swap> {
    await this.#connect();
    const answer: unknown = await this.#redis.eval(COMPARE_AND_SWAP, 1, this.#key, previous ?? '', next);
    if (!Array.isArray(answer)) throw new Error('the Redis server answered the script in an unknown way');
    const [isSwapped, found] = answer as readonly unknown[];
    if (isSwapped === 1) return { isSwapped: true };
    return { isSwapped: false, found: typeof found === 'string' ? found : undefined };
  }

  close(): Promise<void> {
    // Answers that are still owed were waited for by the caller.
    this.#redis.disconnect();
    return Promise.resolve();
  }

  /** The first call waits for the connection; later ones find it there, or fail at once while it is being made again. */
  async #connect(): Promise<void> {
    this.#connecting ??= this.#redis.connect();
    await this.#connecting.catch(() => undefined);
  }
}

function withoutCredentials(url: string): string {
  if (!URL.canParse(url)) return 'Redis';
  const { protocol, host, pathname } = new URL(url);
  return `${protocol}//${host}${pathname === '/' ? '' : pathname}`;
}
