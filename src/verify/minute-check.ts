import { canonicalJson, type Json } from '../kernel/canonical-json.ts';
import { LEVELS } from '../kernel/levels.ts';

/** A summary names the first 64 tenants to appear in its minute; the rest are counted together. */
const TENANTS_NAMED_MAX = 64;

/** Counts the leaves of the running minute and holds its summary to them. Memory is bounded by the 64 tenants. */
export class MinuteCheck {
  #minute = -1;
  #firstSeq = 0;
  #lastSeq = 0;
  #leaves = 0;
  #levels = LEVELS.map(() => 0);
  #tenants = new Map<string, number>();
  #tenantsOther = 0;
  /** Leaves of this minute are damaged or missing: its counts mean nothing. */
  #isSpoilt = false;
  /** There was damage since the last counted leaf: a minute that begins now may have lost its first leaves. */
  #isNextSpoilt = false;
  /** The leaf before was this minute's summary. */
  #isSummed = false;

  /** After damage nothing is known about the running minute, nor about what closed it. */
  spoil(): void {
    this.#isSpoilt = true;
    this.#isNextSpoilt = true;
  }

  /** What is wrong about a leaf of another type at this place; undefined when nothing is. Then count it. */
  faultBefore(minute: number): string | undefined {
    const isLater = this.#minute >= 0 && minute > this.#minute;
    if (this.#isSpoilt || isLater === this.#isSummed || this.#leaves === 0) return undefined;
    return isLater ? `no summary of minute ${this.#minute} before it` : `a summary of minute ${this.#minute} before it, which goes on`;
  }

  /** `level`: index into LEVELS, or −1 for a leaf that is no event. `tenant`: '' when there is none. */
  count(seq: number, minute: number, level: number, tenant: string): void {
    if (minute !== this.#minute || this.#isSummed) this.#begin(seq, minute);
    this.#isNextSpoilt = false;
    this.#lastSeq = seq;
    this.#leaves++;
    if (level >= 0) this.#levels[level]++;
    if (tenant === '') return;
    const known = this.#tenants.get(tenant);
    if (known !== undefined || this.#tenants.size < TENANTS_NAMED_MAX) this.#tenants.set(tenant, (known ?? 0) + 1);
    else this.#tenantsOther++;
  }

  /** What is wrong with a summary that stands here at `minute` of its own time; undefined when it says what the leaves say. */
  faultOf(summary: Json, minute: number): string | undefined {
    if (this.#isSpoilt) return undefined;
    if (this.#isSummed || this.#leaves === 0) return 'a summary of no leaves';
    if (minute <= this.#minute) return 'a summary of a minute that is not over';
    const own = canonicalJson(this.#expected());
    const stated = canonicalJson(summary);
    return stated === own ? undefined : `other counts than the leaves give: ${own.slice(0, 400)}`;
  }

  summed(): void {
    this.#isSummed = true;
  }

  #begin(seq: number, minute: number): void {
    this.#minute = minute;
    this.#firstSeq = seq;
    this.#leaves = 0;
    this.#levels = LEVELS.map(() => 0);
    this.#tenants = new Map();
    this.#tenantsOther = 0;
    this.#isSpoilt = this.#isNextSpoilt;
    this.#isSummed = false;
  }

  #expected(): Json {
    return {
      minute: this.#minute,
      firstSeq: this.#firstSeq,
      lastSeq: this.#lastSeq,
      leaves: this.#leaves,
      levels: Object.fromEntries(LEVELS.map((level, code) => [level, this.#levels[code]] as const).filter(([, events]) => events > 0)),
      tenants: Object.fromEntries([...this.#tenants].map(([text, events]) => [tenantName(text), events])),
      tenantsOther: this.#tenantsOther,
    };
  }
}

/** From the payload's spelling: UTF-8 bytes of a JSON string as latin1. */
function tenantName(text: string): string {
  return JSON.parse(Buffer.from(text, 'latin1').toString()) as string;
}
