import { forwardClock } from './forward-clock.ts';
import { STORE_FULL, type Claim, type LimitStore, type StoreAnswer, type StoreVerdict } from './limit-store.ts';
import { Replays } from './replays.ts';
import { StampRing } from './stamp-ring.ts';
import type { WindowView } from './window.ts';

/** Keys looked at with each new one, whether their window has emptied: the table is gone round faster than it can fill. */
const SWEPT_PER_KEY = 4;
/** When the table is full, so many more are looked at before the answer is that it is. */
const SWEPT_WHEN_FULL = 1000;
/** Remembered requests: 5 s at 10,000 /s. */
const REPLAYS_MAX = 50_000;

export interface EmbeddedStoreOptions {
  /** Microseconds; best of a clock that does not go back. */
  readonly clockUs: () => number;
  /** Keys whose windows are not empty, at most. */
  readonly keysMax: number;
}

/** Windows in this process's memory: decisions without waiting, and exact as long as the process lives. */
export class EmbeddedStore implements LimitStore {
  readonly #clockUs: () => number;
  readonly #keysMax: number;
  readonly #rings = new Map<string, StampRing>();
  readonly #replays = new Replays<StoreAnswer>(REPLAYS_MAX);
  /** Rings of the claims that are being decided: looked up once, and no array for each decision. */
  readonly #found: (StampRing | undefined)[] = [];
  #sweep = this.#rings.entries();

  constructor({ clockUs, keysMax }: EmbeddedStoreOptions) {
    // No stamp is ever ahead of this clock, so one reading is the time of a check for all of its keys.
    this.#clockUs = forwardClock(clockUs);
    this.#keysMax = keysMax;
  }

  get keys(): number {
    return this.#rings.size;
  }

  decide(claims: readonly Claim[], tag?: string): StoreAnswer {
    const nowUs = this.#clockUs();
    if (tag === undefined) return this.#decide(claims, nowUs);
    const known = this.#replays.take(tag, nowUs);
    if (known !== undefined) return known === STORE_FULL ? known : { ...known, isReplay: true };
    const answer = this.#decide(claims, nowUs);
    this.#replays.put(tag, answer, nowUs);
    return answer;
  }

  look(claims: readonly Claim[]): StoreVerdict {
    return this.#look(claims, this.#clockUs());
  }

  /** Takes over what another store of the same clock decided. What has no room is not kept: it is only missed should that store fail. */
  record(claims: readonly Claim[], { isAdmitted, isReplay, views, nowUs }: StoreVerdict): void {
    if (!isAdmitted || isReplay) return;
    this.#find(claims);
    this.#charge(claims, views, nowUs);
  }

  /** Takes back what a check charged. */
  cancel(claims: readonly Claim[], { views, nowUs }: StoreVerdict): void {
    for (const [i, { key, cost }] of claims.entries()) if (views[i].isAdmitted) this.#rings.get(key)?.remove(nowUs, cost);
  }

  /** Keys whose newest stamp is not before this time, with their stamps, ascending. */
  *newerThan(sinceUs: number): Generator<{ readonly key: string; readonly windowUs: number; readonly stamps: readonly number[] }> {
    for (const [key, ring] of this.#rings)
      if (ring.count > 0 && ring.latest(1) >= sinceUs) yield { key, windowUs: ring.windowUs, stamps: ring.stamps() };
  }

  #decide(claims: readonly Claim[], nowUs: number): StoreAnswer {
    const verdict = this.#look(claims, nowUs);
    if (verdict.isAdmitted && !this.#charge(claims, verdict.views, nowUs)) return STORE_FULL;
    return verdict;
  }

  #look(claims: readonly Claim[], nowUs: number): StoreVerdict {
    const views: WindowView[] = [];
    let isAdmitted = true;
    this.#find(claims);
    for (let i = 0; i < claims.length; i++) {
      const [claim, ring] = [claims[i], this.#found[i]];
      ring?.dropOld(nowUs);
      const view = ring === undefined || ring.count === 0 ? viewEmpty(claim) : viewRing(ring, claim, nowUs);
      if (!view.isAdmitted && !claim.isDryRun) isAdmitted = false;
      views.push(view);
    }
    return { isAdmitted, views, nowUs, isReplay: false };
  }

  #find(claims: readonly Claim[]): void {
    this.#found.length = claims.length;
    for (let i = 0; i < claims.length; i++) this.#found[i] = this.#rings.get(claims[i].key);
  }

  /** False when the table is full; then nothing was charged. */
  #charge(claims: readonly Claim[], views: readonly WindowView[], nowUs: number): boolean {
    const found = this.#found;
    if (found.includes(undefined)) {
      if (!this.#makeRoom(claims.length, nowUs)) return false;
      // Making room may have forgotten one of them, whose window is empty.
      this.#find(claims);
    }
    for (let i = 0; i < claims.length; i++) {
      const { key, rule, cost } = claims[i];
      if (!views[i].isAdmitted) continue;
      let ring = found[i];
      if (ring === undefined) this.#rings.set(key, (ring = new StampRing(rule.windowUs)));
      else if (ring.windowUs < rule.windowUs) ring.windowUs = rule.windowUs;
      ring.push(nowUs, cost);
    }
    return true;
  }

  /** Room for so many keys more. Only keys with empty windows are forgotten: they would be admitted the same without an entry. */
  #makeRoom(count: number, nowUs: number): boolean {
    this.#sweepKeys(SWEPT_PER_KEY * count, nowUs);
    if (this.#rings.size + count > this.#keysMax) this.#sweepKeys(SWEPT_WHEN_FULL, nowUs);
    return this.#rings.size + count <= this.#keysMax;
  }

  #sweepKeys(count: number, nowUs: number): void {
    for (let i = 0; i < Math.min(count, this.#rings.size); i++) {
      let next = this.#sweep.next();
      if (next.done === true) next = (this.#sweep = this.#rings.entries()).next();
      if (next.done === true) return;
      const [key, ring] = next.value;
      ring.dropOld(nowUs);
      if (ring.count === 0) this.#rings.delete(key);
    }
  }
}

/** The ring holds what is in its longest window; a shorter one is counted. */
function viewRing(ring: StampRing, { rule, cost }: Claim, nowUs: number): WindowView {
  const { limit, windowUs } = rule;
  const startUs = nowUs - windowUs;
  const live = ring.windowUs === windowUs ? ring.count : ring.countAfter(startUs);
  const isAdmitted = live + cost <= limit;
  return {
    isAdmitted,
    remaining: live > limit ? 0 : limit - live,
    retryAfterUs: isAdmitted ? 0 : cost > limit ? Infinity : ring.latest(limit - cost + 1) - startUs,
    resetUs: live === 0 || limit === 0 ? 0 : ring.latest(live > limit ? limit : live) - startUs,
  };
}

function viewEmpty({ rule, cost }: Claim): WindowView {
  const isAdmitted = cost <= rule.limit;
  return { isAdmitted, remaining: rule.limit, retryAfterUs: isAdmitted ? 0 : Infinity, resetUs: 0 };
}
