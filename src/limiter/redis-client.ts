import { Redis } from 'ioredis';
import { JOIN_SCRIPT, SEED_SCRIPT, SKEW_SCRIPT, WINDOW_SCRIPT } from './redis-scripts.ts';

/** A decision that takes longer is made without the store. */
export const DEADLINE_MS = 250;
const CONNECT_MS_MAX = 1000;
const RECONNECT_MS_MIN = 50;
const RECONNECT_MS_MAX = 1000;

/** ioredis makes a method of every script, and sends the script itself when the server has forgotten it. */
export interface ScriptedRedis extends Redis {
  decideWindowsBuffer(keys: number, ...args: readonly (string | Buffer)[]): Promise<Buffer>;
  joinStore(keys: number, ...args: readonly string[]): Promise<unknown>;
  seedStore(keys: number, ...args: readonly (string | Buffer)[]): Promise<unknown>;
  skewStore(keys: number, ...args: readonly string[]): Promise<unknown>;
}

const SCRIPTS = {
  decideWindows: { lua: WINDOW_SCRIPT },
  joinStore: { lua: JOIN_SCRIPT },
  seedStore: { lua: SEED_SCRIPT },
  skewStore: { lua: SKEW_SCRIPT },
};

/** A connection that sends nothing twice: a lost answer must not lead to a second charge, and nothing waits for a connection. */
export function connectRedis(url: string, password: string | undefined): ScriptedRedis {
  const redis = new Redis(url, {
    ...(password === undefined ? {} : { password }),
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    enableOfflineQueue: false,
    commandTimeout: DEADLINE_MS,
    connectTimeout: CONNECT_MS_MAX,
    retryStrategy: (attempt) => Math.min(RECONNECT_MS_MIN * 2 ** Math.min(attempt, 10), RECONNECT_MS_MAX),
    scripts: SCRIPTS,
  });
  // Every failed command says what is wrong to whoever waits for it; without a listener the same would end the process.
  redis.on('error', () => undefined);
  return redis as ScriptedRedis;
}
