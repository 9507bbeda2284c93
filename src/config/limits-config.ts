import { parseRedisUrls } from './redis-config.ts';
import { SETTINGS, type Setting } from './settings.ts';

/** Where the limits stand, and where their windows are kept. */
export type LimitsConfig =
  | { readonly kind: 'off' }
  | ({ readonly kind: 'memory' } & OfEveryStore)
  | ({
      readonly kind: 'redis';
      /** Several are nodes of a Redis Cluster. */
      readonly urls: readonly string[];
      readonly prefix: string;
      /** A decision that takes longer is made without the store. */
      readonly timeoutMs: number;
    } & OfEveryStore);

interface OfEveryStore {
  readonly file: string;
  readonly keysMax: number;
  /** File of the decisions. */
  readonly trace: string | undefined;
}

const STORES = ['memory', 'redis'] as const;
const PREFIX = /^[\x21-\x7e]{1,64}$/;
/** A key takes some 200 bytes and its stamps. */
const KEYS_MAX = 100_000_000;
/** No client waits longer for a decision. */
const TIMEOUT_MS_MAX = 10_000;

export function parseLimitsConfig(value: (setting: Setting) => string | undefined, faults: string[]): LimitsConfig {
  const text = value(SETTINGS.limitsStore) ?? SETTINGS.limitsStore.fallback;
  const kind = STORES.find((name) => name === text);
  if (kind === undefined) faults.push(`${SETTINGS.limitsStore.env}="${text}" is neither ${STORES.join(' nor ')}`);
  const keys = value(SETTINGS.limitsKeys) ?? SETTINGS.limitsKeys.fallback;
  const keysMax = /^\d{1,9}$/.test(keys) ? Number(keys) : 0;
  if (keysMax < 1 || keysMax > KEYS_MAX) faults.push(`${SETTINGS.limitsKeys.env}="${keys}" is not a number from 1 to ${KEYS_MAX}`);
  const prefix = value(SETTINGS.limitsPrefix) ?? SETTINGS.limitsPrefix.fallback;
  if (!PREFIX.test(prefix)) faults.push(`${SETTINGS.limitsPrefix.env} must be 1 to 64 printable characters without spaces`);
  const timeout = value(SETTINGS.limitsTimeout) ?? SETTINGS.limitsTimeout.fallback;
  const timeoutMs = /^\d{1,5}$/.test(timeout) ? Number(timeout) : 0;
  if (timeoutMs < 1 || timeoutMs > TIMEOUT_MS_MAX)
    faults.push(`${SETTINGS.limitsTimeout.env}="${timeout}" is not a number of milliseconds from 1 to ${TIMEOUT_MS_MAX}`);
  const file = value(SETTINGS.limitsFile);
  if (file === undefined) return { kind: 'off' };
  const trace = value(SETTINGS.limitsTrace);
  if (kind !== 'redis') return { kind: 'memory', file, keysMax, trace };
  return { kind, file, keysMax, trace, prefix, timeoutMs, urls: parseRedisUrls(`${SETTINGS.limitsStore.env}=redis`, value, faults) };
}
