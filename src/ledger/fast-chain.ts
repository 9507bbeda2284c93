import { hash } from 'node:crypto';
import { CHAIN_DOMAIN, LEDGER_ID_BYTES } from '../kernel/chain.ts';
import { LEAF_BYTES_MAX, LEAF_MAC_BYTES } from '../kernel/leaf.ts';
import { Sha256Block } from '../kernel/sha256-block.ts';

/** SHA-256 block size; HMAC pads keys to it (RFC 2104). Our keys are shorter. */
const PAD_BYTES = 64;
const [INNER_PAD, OUTER_PAD] = [0x36, 0x5c];
const MAC_AT = PAD_BYTES + CHAIN_DOMAIN.length + LEDGER_ID_BYTES;
const BODY_AT = MAC_AT + LEAF_MAC_BYTES;
/** What is written by the callers ends here. */
const BUFFER_BYTES = BODY_AT + LEAF_BYTES_MAX;

/** Behind that: the outer hash’s message, opad ‖ inner digest, then the padding of its second block … */
const OUTER_AT = BUFFER_BYTES;
const DIGEST_AT = OUTER_AT + PAD_BYTES;
const OUTER_BYTES = PAD_BYTES + LEAF_MAC_BYTES;
/** … and its chaining value after the first. */
const OUTER_STATE_AT = DIGEST_AT + PAD_BYTES;
const MEMORY_BYTES = OUTER_STATE_AT + LEAF_MAC_BYTES;

/** Bounds the views that are kept; longer leaves are rare, and their hashing hides what a view costs. */
const USUAL_BODY_BYTES = 2048;

/**
 * The keyed chain on the hot path: the same MACs as kernel/chain.ts, which the tests hold it to. The inner hash of an HMAC is a one-shot
 * one over a prepared pad; of the outer one, whose first block is the key's pad, only the second block is left to do.
 */
export class FastChain {
  readonly #blocks: Sha256Block | undefined;
  readonly #memory: Buffer;
  /** ipad ‖ domain ‖ ledger id ‖ previous mac ‖ body; the caller writes the body (header ‖ [tag] ‖ payload) at `bodyAt`. */
  readonly buffer: Buffer;
  static readonly macAt = MAC_AT;
  static readonly bodyAt = BODY_AT;
  /** Numbers in `buffer`, big-endian. */
  readonly view: DataView;
  readonly #outer: Buffer;
  /** `buffer` up to bodies of each usual length: making a view costs a tenth of hashing it. */
  readonly #inputs: (Buffer | undefined)[] = Array.from({ length: USUAL_BODY_BYTES });

  constructor(macKey: Uint8Array, ledgerId: Uint8Array, previousMac: Uint8Array, isSupported = Sha256Block.isSupported()) {
    this.#blocks = isSupported ? new Sha256Block(MEMORY_BYTES) : undefined;
    this.#memory = this.#blocks?.bytes ?? Buffer.alloc(MEMORY_BYTES);
    this.buffer = this.#memory.subarray(0, BUFFER_BYTES);
    this.view = new DataView(this.#memory.buffer, this.#memory.byteOffset, BUFFER_BYTES);
    this.#outer = this.#memory.subarray(OUTER_AT, OUTER_AT + OUTER_BYTES);
    this.#memory[OUTER_AT + OUTER_BYTES] = 0x80;
    this.#memory.writeUInt16BE(OUTER_BYTES * 8, OUTER_STATE_AT - 2);
    this.rekey(macKey);
    this.buffer.set(CHAIN_DOMAIN, PAD_BYTES);
    this.buffer.set(ledgerId, PAD_BYTES + CHAIN_DOMAIN.length);
    this.buffer.set(previousMac, MAC_AT);
  }

  /** Goes on with another epoch's key; the pads of the one before are overwritten. */
  rekey(macKey: Uint8Array): void {
    for (let i = 0; i < PAD_BYTES; i++) {
      const byte = i < macKey.length ? macKey[i] : 0;
      this.#memory[i] = byte ^ INNER_PAD;
      this.#memory[OUTER_AT + i] = byte ^ OUTER_PAD;
    }
    this.#blocks?.writeInitialState(OUTER_STATE_AT);
    this.#blocks?.compress(OUTER_AT, OUTER_STATE_AT, OUTER_STATE_AT);
  }

  /** Moves the chain on to the MAC of the body now in the buffer, which then stands at `macAt` there, and behind the body. */
  advance(bodyBytes: number): void {
    const memory = this.#memory;
    memory.write(hash('sha256', this.#input(bodyBytes), 'latin1'), DIGEST_AT, LEAF_MAC_BYTES, 'latin1');
    if (this.#blocks === undefined) {
      const mac = hash('sha256', this.#outer, 'latin1');
      memory.write(mac, MAC_AT, LEAF_MAC_BYTES, 'latin1');
      memory.write(mac, BODY_AT + bodyBytes, LEAF_MAC_BYTES, 'latin1');
      return;
    }
    this.#blocks.compress(DIGEST_AT, OUTER_STATE_AT, MAC_AT);
    this.#blocks.copy(MAC_AT, BODY_AT + bodyBytes);
  }

  #input(bodyBytes: number): Buffer {
    const known = this.#inputs[bodyBytes];
    if (known !== undefined) return known;
    const input = this.buffer.subarray(0, BODY_AT + bodyBytes);
    if (bodyBytes < USUAL_BODY_BYTES) this.#inputs[bodyBytes] = input;
    return input;
  }

  /** A copy of the MAC the next leaf chains to. */
  mac(): Buffer {
    return Buffer.from(this.buffer.subarray(MAC_AT, BODY_AT));
  }

  /** Goes back to an earlier end of the chain. */
  reset(mac: Uint8Array): void {
    this.buffer.set(mac, MAC_AT);
  }

  /** Overwrites the key material. */
  wipe(): void {
    this.#memory.fill(0);
  }
}
