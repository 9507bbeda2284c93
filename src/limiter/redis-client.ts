import { Cluster, Redis } from 'ioredis';
import { CANCEL_SCRIPT, JOIN_SCRIPT, SEED_SCRIPT, SKEW_SCRIPT, WINDOW_SCRIPT } from './redis-scripts.ts';

/** A decision that takes longer is made without the store. */
export const DEADLINE_MS = 250;
const CONNECT_MS_MAX = 1000;
/** Shards of one connection. */
const LISTENERS_MAX = 300;
const RECONNECT_MS_MIN = 50;
const RECONNECT_MS_MAX = 1000;

type Argument = string | Buffer;

/** ioredis makes a method of every script, and sends the script itself when the server has forgotten it. */
interface Scripts {
  decideWindowsBuffer(keys: number, ...args: readonly Argument[]): Promise<Buffer>;
  joinStore(keys: number, ...args: readonly Argument[]): Promise<unknown>;
  seedStore(keys: number, ...args: readonly Argument[]): Promise<unknown>;
  skewStore(keys: number, ...args: readonly Argument[]): Promise<unknown>;
  cancelWindows(keys: number, ...args: readonly Argument[]): Promise<unknown>;
}

/** A server, or a cluster of them, as far as the limits need it. */
export type RedisClient = Scripts & Pick<Redis, 'disconnect'> & { on(event: 'ready' | 'close', listener: () => void): unknown };

const SCRIPTS = {
  decideWindows: { lua: WINDOW_SCRIPT },
  joinStore: { lua: JOIN_SCRIPT },
  seedStore: { lua: SEED_SCRIPT },
  skewStore: { lua: SKEW_SCRIPT },
  cancelWindows: { lua: CANCEL_SCRIPT },
};

/** Nothing is sent twice, for a lost answer must not lead to a second charge, and nothing waits for a connection. */
const OPTIONS = {
  maxRetriesPerRequest: 0,
  autoResendUnfulfilledCommands: false,
  enableOfflineQueue: false,
  commandTimeout: DEADLINE_MS,
  connectTimeout: CONNECT_MS_MAX,
};
const retryStrategy = (attempt: number): number => Math.min(RECONNECT_MS_MIN * 2 ** Math.min(attempt, 10), RECONNECT_MS_MAX);

export function connectRedis(url: string, password: string | undefined): RedisClient {
  const redis = new Redis(url, { ...OPTIONS, ...(password === undefined ? {} : { password }), retryStrategy, scripts: SCRIPTS });
  // Every failed command says what is wrong to whoever waits for it; without a listener the same would end the process.
  redis.on('error', () => undefined);
  return redis as unknown as RedisClient;
}

/** `urls`: some of the cluster's nodes; they know the others. */
export function connectCluster(urls: readonly string[], password: string | undefined): RedisClient {
  const cluster = new Cluster([...urls], {
    enableOfflineQueue: false,
    clusterRetryStrategy: retryStrategy,
    redisOptions: { ...OPTIONS, ...(password === undefined ? {} : { password }) },
    scripts: SCRIPTS,
  });
  // Every shard listens for itself.
  cluster.setMaxListeners(LISTENERS_MAX);
  cluster.on('error', () => undefined);
  return cluster as unknown as RedisClient;
}
