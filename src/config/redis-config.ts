import { SETTINGS, type Setting } from './settings.ts';

/** PROOFS_REDIS_URL, which `needs` cannot do without. */
export function parseRedisUrl(needs: string, value: (setting: Setting) => string | undefined, faults: string[]): string {
  const url = value(SETTINGS.redisUrl);
  // Never quoted: it may hold a password.
  const isRedis = url !== undefined && URL.canParse(url) && ['redis:', 'rediss:'].includes(new URL(url).protocol);
  if (!isRedis) faults.push(`${needs} needs ${SETTINGS.redisUrl.env} like redis://host:6379 or rediss://host:6379/0`);
  return url ?? '';
}
