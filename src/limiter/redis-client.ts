import { Cluster, Redis, type Result } from 'ioredis';
import { CANCEL_SCRIPT, JOIN_SCRIPT, SEED_SCRIPT, SKEW_SCRIPT, WINDOW_SCRIPT } from './redis-scripts.ts';

const CONNECT_MS_MAX = 1000;
/** A connection that brought nothing for so many times what an answer may take is dead, though nobody closed it. */
const SILENCES_MAX = 4;
/** Shards of one connection. */
const LISTENERS_MAX = 300;
const RECONNECT_MS_MIN = 50;
const RECONNECT_MS_MAX = 1000;

type Argument = string | Buffer;

declare module 'ioredis' {
  /** ioredis makes a method of every script, and sends the script itself when the server has forgotten it. */
  interface RedisCommander<Context> {
    decideWindowsBuffer(keys: number, ...args: readonly Argument[]): Result<Buffer, Context>;
    joinStore(keys: number, ...args: readonly Argument[]): Result<unknown, Context>;
    seedStore(keys: number, ...args: readonly Argument[]): Result<unknown, Context>;
    skewStore(keys: number, ...args: readonly Argument[]): Result<unknown, Context>;
    cancelWindows(keys: number, ...args: readonly Argument[]): Result<unknown, Context>;
  }
}

export interface RedisTarget {
  /** Several are some nodes of a cluster; they know the others. */
  readonly urls: readonly string[];
  readonly password?: string | undefined;
  /** A decision that takes longer is made without the store. */
  readonly timeoutMs: number;
}

/** A server, or a cluster of them. */
export type RedisClient = Redis | Cluster;

const SCRIPTS = {
  decideWindows: { lua: WINDOW_SCRIPT },
  joinStore: { lua: JOIN_SCRIPT },
  seedStore: { lua: SEED_SCRIPT },
  skewStore: { lua: SKEW_SCRIPT },
  cancelWindows: { lua: CANCEL_SCRIPT },
};

const retryStrategy = (attempt: number): number => Math.min(RECONNECT_MS_MIN * 2 ** Math.min(attempt, 10), RECONNECT_MS_MAX);

/** Nothing is sent twice, for a lost answer must not lead to a second charge, and nothing waits for a connection. */
export function connectRedis({ urls, password, timeoutMs }: RedisTarget): RedisClient {
  const options = {
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    enableOfflineQueue: false,
    commandTimeout: timeoutMs,
    socketTimeout: SILENCES_MAX * timeoutMs,
    connectTimeout: CONNECT_MS_MAX,
    ...(password === undefined ? {} : { password }),
  };
  const client =
    urls.length === 1
      ? new Redis(urls[0], { ...options, retryStrategy, scripts: SCRIPTS })
      : new Cluster([...urls], { enableOfflineQueue: false, clusterRetryStrategy: retryStrategy, redisOptions: options, scripts: SCRIPTS });
  // Every shard listens for itself.
  client.setMaxListeners(LISTENERS_MAX);
  // Every failed command says what is wrong to whoever waits for it; without a listener the same would end the process.
  client.on('error', () => undefined);
  return client;
}

/** Says what of the server's settings may make it forget windows. Servers that do not tell are left in peace. */
export async function examineServer(client: RedisClient, risky: (why: string) => void): Promise<void> {
  try {
    const info = (await client.info('memory')) + (await client.info('persistence'));
    const policy = /^maxmemory_policy:(\S+)/m.exec(info)?.[1];
    const isBounded = /^maxmemory:[1-9]/m.test(info);
    if (isBounded && policy !== undefined && policy !== 'noeviction')
      risky(`maxmemory-policy is ${policy}: when memory is short, windows are forgotten and too much is admitted; set noeviction`);
    if (/^aof_enabled:0/m.test(info))
      risky('there is no append-only file: after a crash the windows are what the nodes that still run remember; set appendonly yes');
  } catch {
    // What matters is told apart: a server that cannot be asked is not ready.
  }
}
