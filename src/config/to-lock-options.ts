import type { Config } from './config.ts';
import type { Secrets } from './secrets.ts';

/** Where the checkpoint lock is, with what opening it needs: plain data that can cross into the writer's thread. */
export type LockOptions =
  | { readonly kind: 'off' }
  | { readonly kind: 'file'; readonly dir: string }
  | { readonly kind: 'redis'; readonly url: string; readonly password: string | undefined };

export function toLockOptions({ anchor }: Config, { redisPassword }: Secrets): LockOptions {
  return anchor.kind === 'redis' ? { kind: 'redis', url: anchor.url, password: redisPassword } : anchor;
}
