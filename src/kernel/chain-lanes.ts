import { hash } from 'node:crypto';
import { concat } from './bytes.ts';
import { CHAIN_DOMAIN } from './chain.ts';
import { HASH_BYTES } from './hashes.ts';
import { LEAF_BYTES_MAX } from './leaf.ts';
import { nodeHashes } from './node-hashes.ts';
import type { ChainedDigest, LaneMessages, Sha256Lanes } from './sha256-lanes.ts';

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
  readonly #digest: Omit<ChainedDigest, 'middles'>;
  /** Long leaves, one at a time: inner pad ‖ head ‖ MAC before ‖ leaf; outer pad ‖ inner digest. */
  readonly #inner: Buffer;
  readonly #outer = Buffer.alloc(BLOCK_BYTES + HASH_BYTES);

  constructor(lanes: Sha256Lanes, key: Uint8Array, ledgerId: Uint8Array) {
    const block = new Uint8Array(BLOCK_BYTES);
    block.set(key.length > BLOCK_BYTES ? nodeHashes.sha256(key) : key);
    const head = concat(CHAIN_DOMAIN, ledgerId);
    const [innerPad, outerPad] = [INNER_PAD, OUTER_PAD].map((pad) => block.map((byte) => byte ^ pad));
    this.#lanes = lanes;
    this.#inner = Buffer.alloc(2 * BLOCK_BYTES + LEAF_BYTES_MAX);
    this.#inner.set(innerPad);
    this.#inner.set(head, BLOCK_BYTES);
    this.#outer.set(outerPad);
    this.#digest = {
      inner: lanes.midState(innerPad),
      outer: lanes.midState(outerPad),
      head,
      one: (previous, leaf) => this.#one(previous, leaf),
    };
  }

  /** MACs, 32 bytes each from `to` on. Message i is a leaf without its MAC, previous[i] the address of the MAC before it. */
  macs(previous: Uint32Array, leaves: LaneMessages, to: number): void {
    this.#lanes.chained({ ...this.#digest, middles: previous }, leaves, to);
  }

  /** Overwrites what was derived from the key. */
  wipe(): void {
    for (const secret of [this.#inner, this.#outer, this.#digest.inner, this.#digest.outer]) secret.fill(0);
  }

  #one(previous: Uint8Array, leaf: Uint8Array): string {
    this.#inner.set(previous, BLOCK_BYTES + HASH_BYTES);
    this.#inner.set(leaf, 2 * BLOCK_BYTES);
    this.#outer.write(hash('sha256', this.#inner.subarray(0, 2 * BLOCK_BYTES + leaf.length), 'latin1'), BLOCK_BYTES, 'latin1');
    return hash('sha256', this.#outer, 'latin1');
  }
}
