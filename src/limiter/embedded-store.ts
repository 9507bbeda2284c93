import { StampRing } from './stamp-ring.ts';
import { STORE_FULL, type Claim, type LimitStore, type StoreAnswer, type StoreVerdict } from './limit-store.ts';
import { Replays } from './replays.ts';
import { STEP_BACK_US_MAX, type WindowView } from './window.ts';

/** Keys looked at with each new one, whether their window has emptied: the table is gone round faster than it can fill. */
const SWEPT_PER_KEY = 4;
/** When the table is full, so many more are looked at before the answer is that it is. */
const SWEPT_WHEN_FULL = 1000;

/** Remembered requests: 5 s at 10,000 /s. */
const REPLAYS_MAX = 50_000;

interface Entry {
  readonly ring: StampRing;
  /** The longest window that was asked for: what has left it is of no more use to anybody. */
  windowUs: number;
}

export interface EmbeddedStoreOptions {
  /** Microseconds of a clock that does not go back. */
  readonly clockUs: () => number;
  /** Keys whose windows are not empty, at most. */
  readonly keysMax: number;
}

/** Windows in this process's memory: decisions without waiting, and exact as long as the process lives. */
export class EmbeddedStore implements LimitStore {
  readonly #clockUs: () => number;
  readonly #keysMax: number;
  readonly #entries = new Map<string, Entry>();
  readonly #replays = new Replays<StoreAnswer>(REPLAYS_MAX);
  #sweep = this.#entries.entries();

  constructor({ clockUs, keysMax }: EmbeddedStoreOptions) {
    this.#clockUs = clockUs;
    this.#keysMax = keysMax;
  }

  get keys(): number {
    return this.#entries.size;
  }

  decide(claims: readonly Claim[], tag?: string): StoreAnswer {
    if (tag === undefined) return this.#decide(claims);
    const clockUs = this.#clockUs();
    const known = this.#replays.take(tag, clockUs);
    if (known !== undefined) return known;
    const answer = this.#decide(claims);
    this.#replays.put(tag, answer, clockUs);
    return answer;
  }

  #decide(claims: readonly Claim[]): StoreAnswer {
    const entries = claims.map(({ key }) => this.#entries.get(key));
    const verdict = this.#look(claims, entries);
    if (!verdict.isAdmitted) return verdict;
    const added = entries.filter((entry) => entry === undefined).length;
    if (added > 0 && !this.#makeRoom(claims.length, verdict.nowUs)) return STORE_FULL;
    for (const [i, claim] of claims.entries()) if (verdict.views[i].isAdmitted) this.#charge(claim, verdict.nowUs);
    return verdict;
  }

  look(claims: readonly Claim[]): StoreVerdict {
    return this.#look(
      claims,
      claims.map(({ key }) => this.#entries.get(key)),
    );
  }

  #look(claims: readonly Claim[], entries: readonly (Entry | undefined)[]): StoreVerdict {
    const clockUs = this.#clockUs();
    let nowUs = clockUs;
    for (const entry of entries) {
      if (entry === undefined || entry.ring.count === 0) continue;
      const aheadUs = entry.ring.newest - clockUs;
      if (aheadUs > STEP_BACK_US_MAX) entry.ring.shift(aheadUs);
      else if (aheadUs > 0) nowUs = Math.max(nowUs, entry.ring.newest);
    }
    const views = claims.map((claim, i) => viewRing(entries[i]?.ring, claim, nowUs));
    return { isAdmitted: claims.every(({ isDryRun }, i) => isDryRun || views[i].isAdmitted), views, nowUs };
  }

  #charge({ key, rule, cost }: Claim, nowUs: number): void {
    let entry = this.#entries.get(key);
    if (entry === undefined) this.#entries.set(key, (entry = { ring: new StampRing(), windowUs: rule.windowUs }));
    entry.windowUs = Math.max(entry.windowUs, rule.windowUs);
    entry.ring.dropThrough(nowUs - entry.windowUs);
    entry.ring.push(nowUs, cost);
  }

  /** Room for so many keys more. Only keys with empty windows are forgotten: they would be admitted the same without an entry. */
  #makeRoom(count: number, nowUs: number): boolean {
    this.#sweepKeys(SWEPT_PER_KEY * count, nowUs);
    if (this.#entries.size + count > this.#keysMax) this.#sweepKeys(SWEPT_WHEN_FULL, nowUs);
    return this.#entries.size + count <= this.#keysMax;
  }

  #sweepKeys(count: number, nowUs: number): void {
    for (let i = 0; i < Math.min(count, this.#entries.size); i++) {
      let next = this.#sweep.next();
      if (next.done === true) next = (this.#sweep = this.#entries.entries()).next();
      if (next.done === true) return;
      const [key, { ring, windowUs }] = next.value;
      if (ring.newest <= nowUs - windowUs) this.#entries.delete(key);
    }
  }
}

function viewRing(ring: StampRing | undefined, { rule, cost }: Claim, nowUs: number): WindowView {
  const { limit, windowUs } = rule;
  const startUs = nowUs - windowUs;
  if (ring === undefined || ring.count === 0) return viewEmpty(limit, cost);
  const live = countAfter(ring, startUs);
  const place = limit - cost + 1;
  const isAdmitted = live + cost <= limit;
  return {
    isAdmitted,
    remaining: Math.max(0, limit - live),
    retryAfterUs: isAdmitted ? 0 : place < 1 ? Infinity : ring.latest(place) - startUs,
    resetUs: live === 0 || limit === 0 ? 0 : ring.latest(Math.min(live, limit)) - startUs,
  };
}

function viewEmpty(limit: number, cost: number): WindowView {
  const isAdmitted = cost <= limit;
  return { isAdmitted, remaining: limit, retryAfterUs: isAdmitted ? 0 : Infinity, resetUs: 0 };
}

/** How many stamps are after this time. */
function countAfter(ring: StampRing, timeUs: number): number {
  let [low, high] = [0, ring.count];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (ring.latest(middle) > timeUs) low = middle;
    else high = middle - 1;
  }
  return low;
}
