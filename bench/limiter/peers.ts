import { createRequire } from 'node:module';

/** Of rate-limiter-flexible, what is measured. */
interface Consumer {
  consume(key: string): Promise<unknown>;
}

interface RateLimiterFlexible {
  readonly RateLimiterMemory: new (options: { readonly points: number; readonly duration: number }) => Consumer;
  readonly RateLimiterRedis: new (options: {
    readonly points: number;
    readonly duration: number;
    readonly storeClient: unknown;
  }) => Consumer;
}

const fromPeers = createRequire(new URL('../thirdparty/package.json', import.meta.url));

/** Packages of bench/thirdparty, which `npm ci` there installs. */
export function loadPeer(name: string): unknown {
  try {
    return fromPeers(name);
  } catch (cause) {
    throw new Error(`the other limiters are not installed; run: npm ci --prefix bench/thirdparty`, { cause });
  }
}

export const loadFlexible = (): RateLimiterFlexible => loadPeer('rate-limiter-flexible') as RateLimiterFlexible;

/** rate-limiter-flexible rejects with its result when it refuses, and with an Error when it fails. */
export async function consume(limiter: Consumer, key: string): Promise<boolean> {
  try {
    await limiter.consume(key);
    return true;
  } catch (refusal) {
    if (refusal instanceof Error) throw refusal;
    return false;
  }
}
