import type { LimitState } from './limiter.ts';

const US_PER_S = 1_000_000;

/** Whole seconds, never too few. */
export function toSeconds(us: number): number {
  return Math.ceil(us / US_PER_S);
}

/**
 * RateLimit-Policy of draft-ietf-httpapi-ratelimit-headers-10. Names are letters, digits, _ and - (limits-schema.ts): nothing in them needs
 * escaping. Dry runs are not the client's business.
 */
export function policyHeader(limits: readonly { readonly name: string; readonly limit: number; readonly windowUs: number }[]): string {
  return limits.map(({ name, limit, windowUs }) => `"${name}";q=${limit};w=${toSeconds(windowUs)}`).join(', ');
}

/** RateLimit of the same draft. */
export function stateHeader(states: readonly LimitState[]): string {
  let header = '';
  for (const { name, remaining, resetUs, isDryRun } of states)
    if (!isDryRun) header += `${header === '' ? '' : ', '}"${name}";r=${remaining};t=${toSeconds(resetUs)}`;
  return header;
}

/** Undefined when no wait would help: the request costs more than its limit ever admits. */
export function retryAfter(states: readonly LimitState[]): number | undefined {
  const waits = states.filter(({ isDryRun, isAdmitted }) => !isDryRun && !isAdmitted).map(({ retryAfterUs }) => retryAfterUs);
  const longestUs = Math.max(0, ...waits);
  return Number.isFinite(longestUs) ? toSeconds(longestUs) : undefined;
}
