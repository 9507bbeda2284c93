import type { Claim, StoreVerdict } from '../../src/limiter/limit-store.ts';

/** One admission of one key. */
interface Admission {
  readonly key: string;
  readonly atUs: number;
  readonly cost: number;
}

/** The definition by brute force: everything ever admitted is kept, and counted anew for every decision. Knows nothing of any store. */
export class LimiterReference {
  readonly #admitted: Admission[] = [];

  /** Cost of the key in (nowUs − windowUs, nowUs]. */
  held(key: string, windowUs: number, nowUs: number): number {
    const inside = this.#admitted.filter((each) => each.key === key && each.atUs > nowUs - windowUs && each.atUs <= nowUs);
    return inside.reduce((sum, { cost }) => sum + cost, 0);
  }

  decide(claims: readonly Claim[], nowUs: number): readonly boolean[] {
    const fits = claims.map(({ key, rule, cost }) => this.held(key, rule.windowUs, nowUs) + cost <= rule.limit);
    const isAdmitted = claims.every(({ isDryRun }, i) => isDryRun || fits[i]);
    if (isAdmitted) for (const [i, { key, cost }] of claims.entries()) if (fits[i]) this.#admitted.push({ key, atUs: nowUs, cost });
    return fits;
  }

  /** Least wait after which the claim alone would fit, tried admission by admission. */
  wait({ key, rule, cost }: Claim, nowUs: number): number {
    if (cost > rule.limit) return Infinity;
    const ends = this.#admitted.filter((each) => each.key === key).map(({ atUs }) => atUs + rule.windowUs);
    const moments = [nowUs, ...ends.filter((endUs) => endUs > nowUs)].toSorted((a, b) => a - b);
    const first = moments.find((atUs) => this.held(key, rule.windowUs, atUs) + cost <= rule.limit);
    return first === undefined ? Infinity : first - nowUs;
  }
}

/** What the verdict says, in the words of the reference. */
export function fitsOf({ views }: StoreVerdict): readonly boolean[] {
  return views.map(({ isAdmitted }) => isAdmitted);
}
