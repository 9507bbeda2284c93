import { hash } from 'node:crypto';
import { CHAIN_DOMAIN, LEDGER_ID_BYTES } from '../kernel/chain.ts';
import { LEAF_BYTES_MAX, LEAF_MAC_BYTES } from '../kernel/leaf.ts';

/** SHA-256 block size; HMAC pads keys to it (RFC 2104). Our keys are shorter. */
const PAD_BYTES = 64;
const MAC_AT = PAD_BYTES + CHAIN_DOMAIN.length + LEDGER_ID_BYTES;

/** Bounds the views that are kept; longer leaves are rare, and their hashing hides what a view costs. */
const USUAL_BODY_BYTES = 2048;

/**
 * The keyed chain on the hot path: the same MACs as kernel/chain.ts, which the tests hold it to. Two one-shot hashes over
 * prepared pads make one HMAC in 0.8 µs; createHmac takes 2.2 µs (Node 26).
 */
export class FastChain {
  /** ipad ‖ domain ‖ ledger id ‖ previous mac ‖ body; the caller writes the body (header ‖ [tag] ‖ payload) at `bodyAt`. */
  readonly buffer = Buffer.alloc(MAC_AT + LEAF_MAC_BYTES + LEAF_BYTES_MAX);
  static readonly macAt = MAC_AT;
  static readonly bodyAt = MAC_AT + LEAF_MAC_BYTES;
  /** Numbers in `buffer`, big-endian. */
  readonly view = new DataView(this.buffer.buffer, this.buffer.byteOffset, this.buffer.length);
  /** opad ‖ inner digest */
  readonly #outer = Buffer.alloc(PAD_BYTES + LEAF_MAC_BYTES);
  /** `buffer` up to bodies of each usual length: making a view costs a tenth of hashing it. */
  readonly #inputs: (Buffer | undefined)[] = Array.from({ length: USUAL_BODY_BYTES });

  constructor(macKey: Uint8Array, ledgerId: Uint8Array, previousMac: Uint8Array) {
    this.rekey(macKey);
    this.buffer.set(CHAIN_DOMAIN, PAD_BYTES);
    this.buffer.set(ledgerId, PAD_BYTES + CHAIN_DOMAIN.length);
    this.buffer.set(previousMac, MAC_AT);
  }

  /** Goes on with another epoch's key; the pads of the one before are overwritten. */
  rekey(macKey: Uint8Array): void {
    for (let i = 0; i < PAD_BYTES; i++) {
      const byte = i < macKey.length ? macKey[i] : 0;
      this.buffer[i] = byte ^ 0x36;
      this.#outer[i] = byte ^ 0x5c;
    }
  }

  /** Moves the chain on to the MAC of the body now in the buffer, which then stands at `macAt` there. */
  advance(bodyBytes: number): void {
    this.#outer.write(hash('sha256', this.#input(bodyBytes), 'latin1'), PAD_BYTES, LEAF_MAC_BYTES, 'latin1');
    this.buffer.write(hash('sha256', this.#outer, 'latin1'), MAC_AT, LEAF_MAC_BYTES, 'latin1');
  }

  #input(bodyBytes: number): Buffer {
    const known = this.#inputs[bodyBytes];
    if (known !== undefined) return known;
    const input = this.buffer.subarray(0, FastChain.bodyAt + bodyBytes);
    if (bodyBytes < USUAL_BODY_BYTES) this.#inputs[bodyBytes] = input;
    return input;
  }

  /** A copy of the MAC the next leaf chains to. */
  mac(): Buffer {
    return Buffer.from(this.buffer.subarray(MAC_AT, FastChain.bodyAt));
  }

  /** Goes back to an earlier end of the chain. */
  reset(mac: Uint8Array): void {
    this.buffer.set(mac, MAC_AT);
  }

  /** Overwrites the key material. */
  wipe(): void {
    this.buffer.fill(0);
    this.#outer.fill(0);
  }
}
