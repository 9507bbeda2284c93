import { STORE_FULL, type Claim, type LimitStore, type StoreAnswer, type StoreVerdict } from './limit-store.ts';
import type { SharedStore } from './shared-store.ts';
import type { WindowView } from './window.ts';

/** The claims of a check that one shard decides, and where they stand among all. */
interface Part {
  readonly shard: SharedStore;
  readonly claims: Claim[];
  readonly places: number[];
}

/**
 * A store of several shards, each a sequence of its own, as the slots of a Redis Cluster are. A check whose keys lie in several shards is
 * reserved in all of them and taken back where it was admitted when another refuses. Nothing too much is ever admitted; while a reservation
 * is open, others may be refused because of it.
 */
export class ShardedStore implements LimitStore {
  readonly #shards: readonly SharedStore[];

  constructor(shards: readonly SharedStore[]) {
    this.#shards = shards;
  }

  async decide(claims: readonly Claim[], tag?: string): Promise<StoreAnswer> {
    const parts = this.#split(claims);
    if (parts.length === 1) return parts[0].shard.decide(claims, tag);
    const answers = await Promise.all(parts.map(({ shard, claims: own }) => shard.decide(own, tag)));
    const isWhole = answers.every((answer) => answer !== STORE_FULL && answer.isAdmitted);
    if (!isWhole) {
      await Promise.all(
        parts.map(async ({ shard, claims: own }, i) => {
          const answer = answers[i];
          // A repetition charged nothing now.
          if (answer !== STORE_FULL && answer.isAdmitted && !answer.isReplay) await shard.cancel(own, answer);
        }),
      );
    }
    const verdicts = answers.filter((answer): answer is StoreVerdict => answer !== STORE_FULL);
    return verdicts.length < answers.length ? STORE_FULL : merge(parts, verdicts, claims.length);
  }

  async look(claims: readonly Claim[]): Promise<StoreVerdict> {
    const parts = this.#split(claims);
    return merge(parts, await Promise.all(parts.map(({ shard, claims: own }) => shard.look(own))), claims.length);
  }

  #split(claims: readonly Claim[]): readonly Part[] {
    const parts = new Map<number, Part>();
    for (const [place, claim] of claims.entries()) {
      const index = shardOf(claim.key, this.#shards.length);
      let part = parts.get(index);
      if (part === undefined) parts.set(index, (part = { shard: this.#shards[index], claims: [], places: [] }));
      part.claims.push(claim);
      part.places.push(place);
    }
    return [...parts.values()];
  }
}

/** FNV-1a: the same shard on every node, and an even spread. */
export function shardOf(key: string, shards: number): number {
  let hash = 0x811c_9dc5;
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x0100_0193);
  return (hash >>> 0) % shards;
}

/** The first refusal that is only due to a store that is away decides how the whole is called. */
function merge(parts: readonly Part[], verdicts: readonly StoreVerdict[], claims: number): StoreVerdict {
  const views = Array.from<WindowView>({ length: claims });
  for (const [p, { places }] of parts.entries()) for (const [i, place] of places.entries()) views[place] = verdicts[p].views[i];
  const refusing = verdicts.filter(({ isAdmitted }) => !isAdmitted);
  const isReduced = refusing.length > 0 && refusing.every(({ degraded }) => degraded === 'reduced');
  const isDegraded = verdicts.some(({ degraded }) => degraded !== undefined);
  return {
    isAdmitted: refusing.length === 0,
    views,
    nowUs: Math.max(...verdicts.map(({ nowUs }) => nowUs)),
    isReplay: verdicts.every(({ isReplay }) => isReplay),
    ...(isDegraded && { degraded: isReduced ? 'reduced' : 'decided' }),
  };
}
