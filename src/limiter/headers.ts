import type { LimitState } from './limiter.ts';

const US_PER_S = 1_000_000;

/** Names are letters, digits, _ and - (limits-schema.ts): nothing in them needs escaping. */
const item = ({ name }: LimitState): string => `"${name}"`;

/** Whole seconds, never too few. */
export function toSeconds(us: number): number {
  return Math.ceil(us / US_PER_S);
}

/** RateLimit-Policy and RateLimit of draft-ietf-httpapi-ratelimit-headers-10. Dry runs are not the client's business. */
export function rateLimitHeaders(states: readonly LimitState[]): { readonly policy: string; readonly limit: string } {
  const told = states.filter(({ isDryRun }) => !isDryRun);
  return {
    policy: told.map((state) => `${item(state)};q=${state.limit};w=${toSeconds(state.windowUs)}`).join(', '),
    limit: told.map((state) => `${item(state)};r=${state.remaining};t=${toSeconds(state.resetUs)}`).join(', '),
  };
}

/** Undefined when no wait would help: the request costs more than its limit ever admits. */
export function retryAfter(states: readonly LimitState[]): number | undefined {
  const waits = states.filter(({ isDryRun, isAdmitted }) => !isDryRun && !isAdmitted).map(({ retryAfterUs }) => retryAfterUs);
  const longestUs = Math.max(0, ...waits);
  return Number.isFinite(longestUs) ? toSeconds(longestUs) : undefined;
}
