import { hash } from 'node:crypto';
import { concat } from './bytes.ts';
import { CHAIN_DOMAIN } from './chain.ts';
import { HASH_BYTES } from './hashes.ts';
import { LEAF_BYTES_MAX } from './leaf.ts';
import { nodeHashes } from './node-hashes.ts';
import type { LaneMessages, MidState, Sha256Lanes } from './sha256-lanes.ts';

/** Block of SHA-256 and pads of HMAC (RFC 2104 section 2). */
const BLOCK_BYTES = 64;
const INNER_PAD = 0x36;
const OUTER_PAD = 0x5c;

/**
 * Chain MACs (kernel/chain.ts, which the tests hold it to) of many leaves at once. Each is computed from the MAC that stands before
 * it, believed or not: leaves are checked apart from each other, and a chain holds when every one of its links does.
 */
export class ChainLanes {
  readonly #lanes: Sha256Lanes;
  #head: Uint8Array = new Uint8Array(0);
  /** Long leaves, one at a time: inner pad ‖ head ‖ MAC before ‖ leaf; outer pad ‖ inner digest. */
  readonly #inner = Buffer.alloc(2 * BLOCK_BYTES + LEAF_BYTES_MAX);
  readonly #outer = Buffer.alloc(BLOCK_BYTES + HASH_BYTES);
  #innerState: MidState = new Uint32Array(0);
  #outerState: MidState = new Uint32Array(0);

  constructor(lanes: Sha256Lanes, key: Uint8Array, ledgerId: Uint8Array) {
    this.#lanes = lanes;
    this.setKey(key, ledgerId);
  }

  /** Goes on with another key, such as that of the next epoch. */
  setKey(key: Uint8Array, ledgerId: Uint8Array): void {
    this.#head = concat(CHAIN_DOMAIN, ledgerId);
    this.#inner.set(this.#head, BLOCK_BYTES);
    const short = key.length > BLOCK_BYTES ? nodeHashes.sha256(key) : key;
    for (let i = 0; i < BLOCK_BYTES; i++) {
      const byte = i < short.length ? short[i] : 0;
      this.#inner[i] = byte ^ INNER_PAD;
      this.#outer[i] = byte ^ OUTER_PAD;
    }
    this.#innerState = this.#lanes.midState(this.#inner.subarray(0, BLOCK_BYTES));
    this.#outerState = this.#lanes.midState(this.#outer.subarray(0, BLOCK_BYTES));
  }

  /** MACs, 32 bytes each from `to` on. Message i is a leaf without its MAC, previous[i] the address of the MAC before it. */
  macs(previous: Uint32Array, leaves: LaneMessages, to: number): void {
    const one = (middle: Uint8Array, leaf: Uint8Array): string => this.#one(middle, leaf);
    const keyed = { inner: this.#innerState, outer: this.#outerState, head: this.#head };
    this.#lanes.chained({ ...keyed, middles: previous, one }, leaves, to);
  }

  /** Overwrites what was derived from the key. */
  wipe(): void {
    for (const secret of [this.#inner, this.#outer, this.#innerState, this.#outerState]) secret.fill(0);
  }

  #one(previous: Uint8Array, leaf: Uint8Array): string {
    this.#inner.set(previous, BLOCK_BYTES + HASH_BYTES);
    this.#inner.set(leaf, 2 * BLOCK_BYTES);
    this.#outer.write(hash('sha256', this.#inner.subarray(0, 2 * BLOCK_BYTES + leaf.length), 'latin1'), BLOCK_BYTES, 'latin1');
    return hash('sha256', this.#outer, 'latin1');
  }
}
