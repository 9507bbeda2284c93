import { SETTINGS, type Setting } from './settings.ts';

/** Masters of a cluster that may be named; they know the others. */
const URLS_MAX = 16;

// Addresses are never quoted: they may hold a password.
const isRedis = (url: string): boolean => URL.canParse(url) && ['redis:', 'rediss:'].includes(new URL(url).protocol);

/** PROOFS_REDIS_URL, which `needs` cannot do without. */
export function parseRedisUrl(needs: string, value: (setting: Setting) => string | undefined, faults: string[]): string {
  const url = value(SETTINGS.redisUrl) ?? '';
  if (!isRedis(url)) faults.push(`${needs} needs ${SETTINGS.redisUrl.env} like redis://host:6379 or rediss://host:6379/0`);
  return url;
}

/** The same, or some nodes of a Redis Cluster, separated by commas. */
export function parseRedisUrls(needs: string, value: (setting: Setting) => string | undefined, faults: string[]): readonly string[] {
  const urls = (value(SETTINGS.redisUrl) ?? '').split(',').map((url) => url.trim());
  if (urls.length > URLS_MAX || !urls.every(isRedis))
    faults.push(
      `${needs} needs ${SETTINGS.redisUrl.env} like redis://host:6379, or up to ${URLS_MAX} nodes of a cluster separated by commas`,
    );
  return urls;
}
