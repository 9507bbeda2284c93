import { createPrivateKey, type KeyObject } from 'node:crypto';
import { concat, fromHex } from '../kernel/bytes.ts';
import { EPOCH_MAX, epochSigningSeed, nextEpochKey, nextEpochSeed } from '../kernel/epoch.ts';
import { nodeHashes } from '../kernel/node-hashes.ts';
import type { Loot } from './loot.ts';

/** PKCS#8 header of an Ed25519 key (RFC 8410 section 7); the 32-byte seed follows. */
const PKCS8_PREFIX = fromHex('302e020100300506032b657004220420') ?? new Uint8Array(0);

/** What a thief can make of a stolen epoch key: the keys of that epoch and of all later ones, never of an earlier. */
export class ThiefKeys {
  readonly #ledgerId: Uint8Array;
  readonly #from: number;
  readonly #macKeys: Uint8Array[];
  readonly #seeds: Uint8Array[];

  constructor(loot: NonNullable<Loot['epoch']>, ledgerId: Uint8Array) {
    this.#ledgerId = ledgerId;
    this.#from = loot.number;
    this.#macKeys = [loot.key];
    this.#seeds = loot.seed === undefined ? [] : [loot.seed];
  }

  /** The epoch in which the keys were taken. */
  get stolenAt(): number {
    return this.#from;
  }

  macKey(epoch: number): Uint8Array | undefined {
    if (epoch < this.#from || epoch > EPOCH_MAX) return undefined;
    for (let next = this.#from + this.#macKeys.length; next <= epoch; next++) {
      const previous = this.#macKeys[next - 1 - this.#from];
      this.#macKeys.push(nextEpochKey(nodeHashes, previous, this.#ledgerId, next));
    }
    return this.#macKeys[epoch - this.#from];
  }

  seed(epoch: number): Uint8Array | undefined {
    if (epoch < this.#from || epoch > EPOCH_MAX || this.#seeds.length === 0) return undefined;
    for (let next = this.#from + this.#seeds.length; next <= epoch; next++) {
      const previous = this.#seeds[next - 1 - this.#from];
      this.#seeds.push(nextEpochSeed(nodeHashes, previous, this.#ledgerId, next));
    }
    return this.#seeds[epoch - this.#from];
  }

  /** The Ed25519 key that signs checkpoints in the epoch. */
  signingKey(epoch: number): KeyObject | undefined {
    const seed = this.seed(epoch);
    return seed === undefined ? undefined : privateKeyOfSeed(epochSigningSeed(nodeHashes, seed, this.#ledgerId, epoch));
  }
}

function privateKeyOfSeed(seed: Uint8Array): KeyObject {
  return createPrivateKey({ key: Buffer.from(concat(PKCS8_PREFIX, seed)), format: 'der', type: 'pkcs8' });
}
