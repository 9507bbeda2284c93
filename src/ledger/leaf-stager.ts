import { hash } from 'node:crypto';
import { writeU16, writeU32, writeU64 } from '../kernel/bytes.ts';
import {
  FLAG_REQUEST_TAG,
  FRAME_PREFIX_BYTES,
  LEAF_HEADER_BYTES,
  LEAF_MAC_BYTES,
  LEAF_VERSION,
  REQUEST_TAG_BYTES,
} from '../kernel/leaf.ts';
import { FastChain } from './fast-chain.ts';

/** What a frame takes beside its payload and tag. */
export const FRAME_OVERHEAD_BYTES = FRAME_PREFIX_BYTES + LEAF_HEADER_BYTES + LEAF_MAC_BYTES;

export interface LeafParts {
  readonly type: number;
  readonly flags: number;
  readonly seq: number;
  readonly tag: Uint8Array | undefined;
  /** The payload is payloads[payloadFrom, payloadTo). */
  readonly payloads: Uint8Array;
  readonly payloadFrom: number;
  readonly payloadTo: number;
}

/** Frames leaves and MACs them into the chain: the hot path of every append. */
export class LeafStager {
  readonly chain: FastChain;
  #epoch = 0;
  #timeHigh = 0;
  #timeLow = 0;

  constructor(chain: FastChain) {
    this.chain = chain;
  }

  /** Server time of the leaves staged from here on; the caller clamps it. */
  setTime(timeNs: bigint): void {
    this.#timeHigh = Number(timeNs >> 32n);
    this.#timeLow = Number(timeNs & 0xffff_ffffn);
  }

  /** Epoch of the leaves staged from here on; the chain has its key. */
  setEpoch(epoch: number): void {
    this.#epoch = epoch;
  }

  /** Writes one frame to `out` at `at` (the caller made room); returns its leaf hash as a latin1 string. */
  stage(out: Buffer, at: number, leaf: LeafParts): string {
    const tagBytes = leaf.tag === undefined ? 0 : REQUEST_TAG_BYTES;
    const bodyBytes = LEAF_HEADER_BYTES + tagBytes + leaf.payloadTo - leaf.payloadFrom;
    const leafBytes = bodyBytes + LEAF_MAC_BYTES;
    const buffer = this.chain.buffer;
    const p = FastChain.bodyAt;
    buffer[p] = LEAF_VERSION;
    buffer[p + 1] = leaf.type;
    writeU16(buffer, p + 2, leaf.tag === undefined ? leaf.flags : leaf.flags | FLAG_REQUEST_TAG);
    writeU64(buffer, p + 4, leaf.seq);
    writeU32(buffer, p + 12, this.#epoch);
    writeU32(buffer, p + 16, this.#timeHigh);
    writeU32(buffer, p + 20, this.#timeLow);
    if (leaf.tag !== undefined) buffer.set(leaf.tag, p + LEAF_HEADER_BYTES);
    buffer.set(leaf.payloads.subarray(leaf.payloadFrom, leaf.payloadTo), p + LEAF_HEADER_BYTES + tagBytes);
    const leafAt = at + FRAME_PREFIX_BYTES;
    out.set(buffer.subarray(p, p + bodyBytes), leafAt);
    out.write(this.chain.advance(bodyBytes), leafAt + bodyBytes, LEAF_MAC_BYTES, 'latin1');
    // The leaf hash covers 0x00 ‖ leaf: the byte before the leaf is borrowed for that prefix, then the length goes there.
    out[leafAt - 1] = 0x00;
    const leafHash = hash('sha256', out.subarray(leafAt - 1, leafAt + leafBytes), 'latin1');
    writeU16(out, at, leafBytes);
    return leafHash;
  }
}
