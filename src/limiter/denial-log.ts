import type { Json } from '../kernel/canonical-json.ts';

/** Keys that stand in a record by name. They have 128 bytes at most (tenant.ts), twice that in JSON: so a record fits a leaf. */
const KEYS_MAX = 200;

interface LimitDenials {
  denied: number;
  readonly byKey: Map<string, number>;
  /** Of keys that came when the table was full. */
  other: number;
}

/**
 * Denials since the last record, counted exactly: a flood of them makes one record, whose sums are the number of denials. The first two
 * hundred keys stand there by name with their own exact counts, the rest of each limit in one sum.
 */
export class DenialLog {
  #byLimit = new Map<string, LimitDenials>();
  #keys = 0;

  /** One request that this limit refused. A request that several limits refuse counts for each of them. */
  count(limit: string, key: string): void {
    let denials = this.#byLimit.get(limit);
    if (denials === undefined) this.#byLimit.set(limit, (denials = { denied: 0, byKey: new Map(), other: 0 }));
    denials.denied++;
    const known = denials.byKey.get(key);
    if (known !== undefined) denials.byKey.set(key, known + 1);
    else if (this.#keys < KEYS_MAX) {
      denials.byKey.set(key, 1);
      this.#keys++;
    } else denials.other++;
  }

  /** What was counted, as a record of the ledger, and begins anew; undefined when there was nothing. */
  take(): Json | undefined {
    if (this.#byLimit.size === 0) return undefined;
    const limits = Object.fromEntries(
      Array.from(this.#byLimit, ([name, { denied, byKey, other }]) => [name, { denied, keys: Object.fromEntries(byKey), other }]),
    );
    this.#byLimit = new Map();
    this.#keys = 0;
    return { denials: limits };
  }
}
